package serviceaccounttoken

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/keyutil"
)

// issuer marks the tokens that live in secrets; API servers accept it whatever their own issuer is.
const issuer = "kubernetes/serviceaccount"

type claims struct {
	jwt.Claims
	Namespace  string `json:"kubernetes.io/serviceaccount/namespace"`
	SecretName string `json:"kubernetes.io/serviceaccount/secret.name"`
	Name       string `json:"kubernetes.io/serviceaccount/service-account.name"`
	UID        string `json:"kubernetes.io/serviceaccount/service-account.uid"`
}

// Signer signs tokens of secrets.
type Signer struct{ signer jose.Signer }

// NewSigner reads the private key of the PEM file.
func NewSigner(file string) (*Signer, error) {
	private, err := keyutil.PrivateKeyFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the key of service account tokens: %w", err)
	}
	owner, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("key of service account tokens %s: type %T cannot sign", file, private)
	}
	alg, err := algorithm(owner.Public())
	if err != nil {
		return nil, fmt.Errorf("key of service account tokens %s: %w", file, err)
	}
	der, err := x509.MarshalPKIXPublicKey(owner.Public())
	if err != nil {
		return nil, fmt.Errorf("encoding the public key of %s: %w", file, err)
	}
	// The identifier follows from the key, so that API servers find it without being told.
	sum := sha256.Sum256(der)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg,
		Key: jose.JSONWebKey{Algorithm: string(alg), Key: private, KeyID: base64.RawURLEncoding.EncodeToString(sum[:]), Use: "sig"}}, nil)
	if err != nil {
		return nil, fmt.Errorf("building the signer of service account tokens: %w", err)
	}
	return &Signer{s}, nil
}

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
	}
	return "", fmt.Errorf("unsupported key type %T, use RSA or ECDSA", public)
}

// Token signs the token of a secret.
func (s *Signer) Token(sa *v1.ServiceAccount, secret string) (string, error) {
	t, err := jwt.Signed(s.signer).Claims(claims{
		Claims:    jwt.Claims{Issuer: issuer, Subject: "system:serviceaccount:" + sa.Namespace + ":" + sa.Name},
		Namespace: sa.Namespace, SecretName: secret, Name: sa.Name, UID: string(sa.UID),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("signing token: %w", err)
	}
	return t, nil
}
