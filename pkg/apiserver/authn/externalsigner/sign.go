package externalsigner

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	externaljwt "k8s.io/externaljwt/apis/v1"

	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
)

// Sign implements serviceaccount.Signer: the payload goes out, header and signature come back, and the header is checked,
// since a token that nobody can verify would fail far away from here.
func (s *Signer) Sign(ctx context.Context, c *serviceaccount.Claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	claims := base64.RawURLEncoding.EncodeToString(payload)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := s.client.Sign(ctx, &externaljwt.SignJWTRequest{Claims: claims})
	if err != nil {
		return "", fmt.Errorf("external signer: %w", err)
	}
	h, err := parseHeader(r.GetHeader())
	if err != nil {
		return "", fmt.Errorf("external signer: header of the token: %w", err)
	}
	if err := s.checkKey(ctx, h.KeyID); err != nil {
		return "", fmt.Errorf("external signer: %w", err)
	}
	if _, err := base64.RawURLEncoding.DecodeString(r.GetSignature()); err != nil || r.GetSignature() == "" {
		return "", fmt.Errorf("external signer: the signature is no URL-safe base64")
	}
	return r.GetHeader() + "." + claims + "." + r.GetSignature(), nil
}

// checkKey makes sure that others can verify what the key signed.
func (s *Signer) checkKey(ctx context.Context, id string) error {
	seen := s.keys.Load()
	published, known := seen.known[id]
	if !known {
		s.refreshOnce(ctx, seen)
		published, known = s.keys.Load().known[id]
	}
	switch {
	case !known:
		return fmt.Errorf("it signed with the key %q, which it does not announce", id)
	case !published:
		return fmt.Errorf("it signed with the key %q, which it excludes from discovery", id)
	}
	return nil
}

type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

var algorithms = []string{"RS256", "ES256", "ES384", "ES512"}

// parseHeader reads the header and refuses everything that the API does not know.
func parseHeader(text string) (*header, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	var h header
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil {
		return nil, err
	}
	switch {
	case h.Type != "JWT":
		return nil, fmt.Errorf("typ is %q and not JWT", h.Type)
	case h.KeyID == "" || len(h.KeyID) > maxKeyID:
		return nil, fmt.Errorf("kid %q is empty or longer than %d", h.KeyID, maxKeyID)
	case !slices.Contains(algorithms, h.Algorithm):
		return nil, fmt.Errorf("alg %q is not one of %q", h.Algorithm, algorithms)
	}
	return &h, nil
}
