package serviceaccount

import (
	"context"
	"crypto"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/keyutil"
)

// Signer turns claims into a signed token.
type Signer interface {
	Sign(ctx context.Context, c *Claims) (string, error)
}

// Issuer issues tokens under a name.
type Issuer struct {
	name   string
	signer Signer
}

// NewIssuer makes an issuer; the name becomes the "iss" claim.
func NewIssuer(name string, s Signer) *Issuer { return &Issuer{name, s} }

// KeySigner signs with one private key.
type KeySigner struct{ signer jose.Signer }

var _ Signer = &KeySigner{}

// LoadSigner reads the private key from the PEM file.
func LoadSigner(keyFile string) (*KeySigner, error) {
	private, err := keyutil.PrivateKeyFromFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading service account signing key: %w", err)
	}
	owner, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("service account signing key %s: unsupported type %T", keyFile, private)
	}
	key, err := newKey(owner.Public())
	if err != nil {
		return nil, err
	}
	alg, err := algorithm(key.Public)
	if err != nil {
		return nil, fmt.Errorf("service account signing key %s: %w", keyFile, err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: alg,
		Key:       jose.JSONWebKey{Algorithm: string(alg), Key: private, KeyID: key.ID, Use: "sig"},
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("building signer: %w", err)
	}
	return &KeySigner{signer}, nil
}

// Sign implements Signer.
func (k *KeySigner) Sign(_ context.Context, c *Claims) (string, error) {
	return jwt.Signed(k.signer).Claims(c).Serialize()
}

// Request says what token to issue.
type Request struct {
	Account   *v1.ServiceAccount
	Audiences []string
	// Lifetime is how long the token is valid; WarnAfter, when not zero, how long until its use is reported as stale.
	Lifetime, WarnAfter time.Duration
	// At most one of Pod, Secret and Node binds the token, but a pod's node may stand beside it.
	Pod, Secret, Node *Ref
}

// Issue signs a token and returns it with its identifier and the time it expires.
func (i *Issuer) Issue(ctx context.Context, r Request, now time.Time) (token, id string, expires time.Time, err error) {
	id = uuid.NewString()
	expires = now.Add(r.Lifetime)
	claims := Claims{
		Claims: jwt.Claims{
			Issuer:    i.name,
			Subject:   "system:serviceaccount:" + r.Account.Namespace + ":" + r.Account.Name,
			Audience:  r.Audiences,
			Expiry:    jwt.NewNumericDate(expires),
			NotBefore: jwt.NewNumericDate(now),
			IssuedAt:  jwt.NewNumericDate(now),
			ID:        id,
		},
		Kubernetes: &Binding{
			Namespace: r.Account.Namespace,
			Account:   Ref{r.Account.Name, string(r.Account.UID)},
			Pod:       r.Pod,
			Secret:    r.Secret,
			Node:      r.Node,
		},
	}
	if r.WarnAfter > 0 {
		claims.Kubernetes.WarnAfter = jwt.NewNumericDate(now.Add(r.WarnAfter))
	}
	token, err = i.signer.Sign(ctx, &claims)
	if err != nil {
		return "", "", time.Time{}, fmt.Errorf("signing token: %w", err)
	}
	return token, id, expires, nil
}
