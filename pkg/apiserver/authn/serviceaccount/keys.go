package serviceaccount

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"k8s.io/client-go/util/keyutil"
)

// Key is a public key that verifies tokens.
type Key struct {
	// ID is the key identifier in the header of the tokens it verifies.
	ID     string
	Public crypto.PublicKey
}

// LoadKeys reads the public keys of the PEM files: public keys, certificates, or private keys whose public half is taken.
// The order is kept.
func LoadKeys(files ...string) ([]Key, error) {
	var keys []Key
	for _, f := range files {
		publics, err := keyutil.PublicKeysFromFile(f)
		if err != nil {
			return nil, fmt.Errorf("reading service account keys: %w", err)
		}
		for _, p := range publics {
			k, err := newKey(p)
			if err != nil {
				return nil, fmt.Errorf("key in %s: %w", f, err)
			}
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// newKey derives the identifier from the key itself, so that every server of a cluster finds the same one.
func newKey(public crypto.PublicKey) (Key, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Key{}, fmt.Errorf("encoding public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return Key{ID: base64.RawURLEncoding.EncodeToString(sum[:]), Public: public}, nil
}

// algorithm returns the signature algorithm that goes with the key.
func algorithm(public crypto.PublicKey) (jose.SignatureAlgorithm, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return jose.RS256, nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return jose.ES256, nil
		case elliptic.P384():
			return jose.ES384, nil
		case elliptic.P521():
			return jose.ES512, nil
		}
		return "", fmt.Errorf("unsupported curve %s", k.Curve.Params().Name)
	case ed25519.PublicKey:
		return jose.EdDSA, nil
	}
	return "", fmt.Errorf("unsupported key type %T, use RSA or ECDSA", public)
}

var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}
