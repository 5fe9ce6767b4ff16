package clientcert

import (
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	x509request "k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
)

const (
	// MaxAge is how long an answer is remembered at most.
	MaxAge = 5 * time.Minute
	// remembered is for how many connections.
	remembered = 4096
)

// Authenticator is the published x509 authenticator with a memory.
type Authenticator struct {
	options x509request.VerifyOptionFunc
	user    x509request.UserConversion
	clock   clock.PassiveClock
	answers *lru.Cache
	// expiry is the published authenticator's histogram; nil when there is none.
	expiry metrics.ObserverMetric
}

// key is a certificate as a connection has it, and what it was verified against. Both are only compared.
type key struct {
	leaf  *x509.Certificate
	roots *x509.CertPool
}

type answer struct {
	response *authenticator.Response
	from, to time.Time
}

// New authenticates by certificates that verify with options, which may change.
func New(options x509request.VerifyOptionFunc, user x509request.UserConversion, clock clock.PassiveClock) *Authenticator {
	return &Authenticator{options: options, user: user, clock: clock, answers: lru.New(remembered), expiry: publishedExpiry()}
}

// AuthenticateRequest does as the published authenticator does.
func (a *Authenticator) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	if req.TLS == nil || len(req.TLS.PeerCertificates) == 0 {
		return nil, false, nil
	}
	opts, ok := a.options()
	if !ok {
		return nil, false, nil
	}
	leaf, now := req.TLS.PeerCertificates[0], a.clock.Now()
	// Intermediate certificates that come from the client are part of the question; nearly nobody sends any.
	k, plain := key{leaf, opts.Roots}, len(req.TLS.PeerCertificates) == 1 && opts.Intermediates == nil
	if plain {
		if found, ok := a.answers.Get(k); ok {
			if known := found.(*answer); !now.Before(known.from) && now.Before(known.to) {
				if a.expiry != nil {
					a.expiry.Observe(leaf.NotAfter.Sub(now).Seconds())
				}
				return known.response, true, nil
			}
			a.answers.Remove(k)
		}
	}
	var verified []*x509.Certificate
	fixed := func() (x509.VerifyOptions, bool) { return opts, true }
	remember := x509request.UserConversionFunc(func(chain []*x509.Certificate) (*authenticator.Response, bool, error) {
		response, ok, err := a.user.User(chain)
		if ok {
			verified = chain
		}
		return response, ok, err
	})
	response, ok, err := x509request.NewDynamic(fixed, remember).AuthenticateRequest(req)
	if plain && ok && err == nil {
		from, to := validity(verified)
		if end := now.Add(MaxAge); end.Before(to) {
			to = end
		}
		a.answers.Add(k, &answer{response: response, from: from, to: to})
	}
	return response, ok, err
}

// validity is when all of a chain are valid.
func validity(chain []*x509.Certificate) (from, to time.Time) {
	for i, c := range chain {
		if i == 0 || c.NotBefore.After(from) {
			from = c.NotBefore
		}
		if i == 0 || c.NotAfter.Before(to) {
			to = c.NotAfter
		}
	}
	return from, to
}

// publishedExpiry finds the published authenticator's histogram in the process's registry, by asking to register one of its name.
func publishedExpiry() metrics.ObserverMetric {
	ask := metrics.NewHistogram(&metrics.HistogramOpts{
		Namespace: "apiserver", Subsystem: "client", Name: "certificate_expiration_seconds",
		Help:           "Distribution of the remaining lifetime on the certificate used to authenticate a request.",
		StabilityLevel: metrics.ALPHA,
	})
	var there prometheus.AlreadyRegisteredError
	if err := legacyregistry.Register(ask); !errors.As(err, &there) {
		return nil
	}
	if h, ok := there.ExistingCollector.(*metrics.Histogram); ok {
		return h
	}
	return nil
}
