package serviceaccount

import (
	"context"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// Issuer signs tokens.
type Issuer interface {
	Issue(ctx context.Context, r serviceaccount.Request, now time.Time) (token, id string, expires time.Time, err error)
}

// Config is what issuing tokens needs beside the store.
type Config struct {
	// Issuer signs; nil offers no tokens.
	Issuer Issuer
	// Audiences are put into tokens that ask for none.
	Audiences authenticator.Audiences
	// MaxExpiration caps what may be asked for; zero does not. ExtendExpiration gives the tokens of mounted volumes a year.
	MaxExpiration    time.Duration
	ExtendExpiration bool
	// MaxExtension caps that year, for a signer whose tokens cannot live so long; zero does not.
	MaxExtension time.Duration
	// Client reads what tokens are bound to.
	Client kubernetes.Interface
	Clock  clock.PassiveClock
}

// New makes the storage of service accounts and of their tokens.
func New(getter generic.RESTOptionsGetter, c Config) (stored.Storage, error) {
	s, main, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	if c.Issuer != nil {
		s["serviceaccounts/token"] = &TokenREST{accounts: main.Store, c: c}
	}
	return s, nil
}
