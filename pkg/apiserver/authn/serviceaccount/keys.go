package serviceaccount

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"k8s.io/client-go/util/keyutil"
)

// Key is a public key that verifies tokens.
type Key struct {
	// ID is the key identifier in the header of the tokens it verifies.
	ID     string
	Public crypto.PublicKey
}

// KeySource finds the keys that verify tokens.
type KeySource interface {
	// Find returns the keys that may have signed a token with the key identifier; without one, every key.
	Find(ctx context.Context, id string) []Key
	// Published returns the keys that others may verify with, and for how long they may keep them.
	Published() ([]Key, time.Duration)
}

// StaticKeys are keys that stay as they were read.
type StaticKeys []Key

var _ KeySource = StaticKeys{}

// publishedFor is how long others may keep keys that do not change before the server is started again.
const publishedFor = time.Hour

// Find implements KeySource.
func (s StaticKeys) Find(_ context.Context, id string) []Key { return Select(s, id) }

// Published implements KeySource.
func (s StaticKeys) Published() ([]Key, time.Duration) { return s, publishedFor }

// Select returns the keys with the identifier; without one, all.
func Select(keys []Key, id string) []Key {
	if id == "" {
		return keys
	}
	var out []Key
	for _, k := range keys {
		if k.ID == id {
			out = append(out, k)
		}
	}
	return out
}

// NewKey takes a public key under the identifier that its owner gives it.
func NewKey(id string, public crypto.PublicKey) (Key, error) {
	if _, err := algorithm(public); err != nil {
		return Key{}, err
	}
	return Key{ID: id, Public: public}, nil
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
