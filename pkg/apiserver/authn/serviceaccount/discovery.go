package serviceaccount

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Paths of the documents with which others verify tokens (OpenID Connect discovery).
const (
	ConfigurationPath = "/.well-known/openid-configuration"
	KeysPath          = "/openid/v1/jwks"
)

// Documents holds the two discovery documents, ready to serve.
type Documents struct {
	configuration, keys []byte
}

type configuration struct {
	Issuer        string   `json:"issuer"`
	JWKSURI       string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
}

// NewDocuments builds the documents. The issuer must be an https URL; jwksURI overrides where the keys are announced, else
// they are at address, the server's own.
func NewDocuments(issuer, jwksURI, address string, keys []Key) (*Documents, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" {
		return nil, fmt.Errorf("service account issuer %q is no https URL", issuer)
	}
	if jwksURI == "" {
		jwksURI = (&url.URL{Scheme: "https", Host: address, Path: KeysPath}).String()
	}
	c := configuration{
		Issuer: issuer, JWKSURI: jwksURI,
		ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"},
	}
	var set jose.JSONWebKeySet
	for _, k := range keys {
		alg, err := algorithm(k.Public)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(c.Algorithms, string(alg)) {
			c.Algorithms = append(c.Algorithms, string(alg))
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Algorithm: string(alg), Key: k.Public, KeyID: k.ID, Use: "sig"})
	}
	slices.Sort(c.Algorithms)
	var d Documents
	if d.configuration, err = json.Marshal(c); err != nil {
		return nil, fmt.Errorf("encoding issuer configuration: %w", err)
	}
	if d.keys, err = json.Marshal(set); err != nil {
		return nil, fmt.Errorf("encoding key set: %w", err)
	}
	return &d, nil
}

// ServeConfiguration answers ConfigurationPath.
func (d *Documents) ServeConfiguration(w http.ResponseWriter, _ *http.Request) {
	serve(w, "application/json", d.configuration)
}

// ServeKeys answers KeysPath.
func (d *Documents) ServeKeys(w http.ResponseWriter, _ *http.Request) {
	serve(w, "application/jwk-set+json", d.keys)
}

func serve(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(body)
}
