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

// Documents serves the two discovery documents from the keys as they are now.
type Documents struct {
	issuer, jwksURI string
	keys            KeySource
}

type configuration struct {
	Issuer        string   `json:"issuer"`
	JWKSURI       string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
}

// NewDocuments makes the documents. The issuer must be an https URL; jwksURI overrides where the keys are announced, else
// they are at address, the server's own.
func NewDocuments(issuer, jwksURI, address string, keys KeySource) (*Documents, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" {
		return nil, fmt.Errorf("service account issuer %q is no https URL", issuer)
	}
	if jwksURI == "" {
		jwksURI = (&url.URL{Scheme: "https", Host: address, Path: KeysPath}).String()
	}
	d := &Documents{issuer: issuer, jwksURI: jwksURI, keys: keys}
	if _, _, err := d.build(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Documents) build() (configuration, jose.JSONWebKeySet, error) {
	c := configuration{
		Issuer: d.issuer, JWKSURI: d.jwksURI,
		ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"},
	}
	var set jose.JSONWebKeySet
	keys, _ := d.keys.Published()
	for _, k := range keys {
		alg, err := algorithm(k.Public)
		if err != nil {
			return c, set, err
		}
		if !slices.Contains(c.Algorithms, string(alg)) {
			c.Algorithms = append(c.Algorithms, string(alg))
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Algorithm: string(alg), Key: k.Public, KeyID: k.ID, Use: "sig"})
	}
	slices.Sort(c.Algorithms)
	return c, set, nil
}

// ServeConfiguration answers ConfigurationPath.
func (d *Documents) ServeConfiguration(w http.ResponseWriter, _ *http.Request) {
	c, _, err := d.build()
	d.serve(w, "application/json", c, err)
}

// ServeKeys answers KeysPath.
func (d *Documents) ServeKeys(w http.ResponseWriter, _ *http.Request) {
	_, set, err := d.build()
	d.serve(w, "application/jwk-set+json", set, err)
}

func (d *Documents) serve(w http.ResponseWriter, kind string, document any, err error) {
	var body []byte
	if err == nil {
		body, err = json.Marshal(document)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, maxAge := d.keys.Published()
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
	_, _ = w.Write(body)
}
