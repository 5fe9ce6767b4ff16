package clientcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	x509request "k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/component-base/metrics/legacyregistry"
	clocktesting "k8s.io/utils/clock/testing"
)

// authority is a CA and what it signs.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB, ends time.Time) *authority {
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: ends, KeyUsage: x509.KeyUsageCertSign,
	}
	cert := sign(t, template, template, key, key)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{cert, key, pool}
}

func (a *authority) client(t testing.TB, name string, ends time.Time) *http.Request {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name, Organization: []string{"people"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: ends, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	cert := sign(t, template, a.cert, newKey(t), a.key)
	return &http.Request{TLS: &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// counted counts verifications: the user is made after each.
func counted(n *int) x509request.UserConversion {
	return x509request.UserConversionFunc(func(chain []*x509.Certificate) (*authenticator.Response, bool, error) {
		*n++
		return x509request.CommonNameUserConversion(chain)
	})
}

func TestMemory(t *testing.T) {
	start := time.Now()
	clock := clocktesting.NewFakePassiveClock(start)
	first, second := newAuthority(t, start.Add(time.Hour)), newAuthority(t, start.Add(time.Hour))
	trusted := first
	verified := 0
	a := New(func() (x509.VerifyOptions, bool) {
		opts := x509request.DefaultVerifyOptions()
		opts.Roots, opts.CurrentTime = trusted.pool, clock.Now()
		return opts, trusted.pool != nil
	}, counted(&verified), clock)

	anna, short := first.client(t, "anna", start.Add(time.Hour)), first.client(t, "short", start.Add(time.Minute))
	for _, step := range []struct {
		name     string
		do       func()
		req      *http.Request
		user     string
		verified int
	}{
		{"the first request verifies", nil, anna, "anna", 1},
		{"the next does not", nil, anna, "anna", 1},
		{"another certificate", nil, short, "short", 2},
		{"which ends", func() { clock.SetTime(start.Add(2 * time.Minute)) }, short, "", 2},
		{"not so the first", nil, anna, "anna", 2},
		{"for a while", func() { clock.SetTime(start.Add(MaxAge + time.Second)) }, anna, "anna", 3},
		{"another CA", func() { trusted = second }, anna, "", 3},
		{"the first CA again", func() { trusted = first }, anna, "anna", 3},
		{"the CA ends", func() { clock.SetTime(start.Add(time.Hour + time.Second)) }, anna, "", 3},
		{"no CA", func() { trusted = &authority{} }, anna, "", 3},
		{"no certificate", func() { trusted = first }, &http.Request{TLS: &tls.ConnectionState{}}, "", 3},
		{"no TLS", nil, &http.Request{}, "", 3},
	} {
		if step.do != nil {
			step.do()
		}
		response, ok, err := a.AuthenticateRequest(step.req)
		name := ""
		if ok && err == nil {
			name = response.User.GetName()
		}
		if name != step.user || verified != step.verified {
			t.Errorf("%s: user %q after %d verifications, error %v; want %q, %d", step.name, name, verified, err, step.user, step.verified)
		}
	}
}

func TestIntermediatesAreVerifiedEachTime(t *testing.T) {
	verified := 0
	ca := newAuthority(t, time.Now().Add(time.Hour))
	a := New(func() (x509.VerifyOptions, bool) {
		opts := x509request.DefaultVerifyOptions()
		opts.Roots = ca.pool
		return opts, true
	}, counted(&verified), clocktesting.NewFakePassiveClock(time.Now()))
	req := ca.client(t, "anna", time.Now().Add(time.Hour))
	req.TLS.PeerCertificates = append(req.TLS.PeerCertificates, ca.cert)
	for range 2 {
		if _, ok, err := a.AuthenticateRequest(req); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if verified != 2 {
		t.Errorf("%d verifications, want 2", verified)
	}
}

func TestEveryRequestIsCounted(t *testing.T) {
	ca := newAuthority(t, time.Now().Add(time.Hour))
	a := New(x509request.StaticVerifierFn(x509.VerifyOptions{Roots: ca.pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}),
		x509request.CommonNameUserConversion, clocktesting.NewFakePassiveClock(time.Now()))
	req := ca.client(t, "anna", time.Now().Add(time.Hour))
	before := observed(t)
	for range 3 {
		if _, ok, err := a.AuthenticateRequest(req); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if n := observed(t) - before; n != 3 {
		t.Errorf("the metric counted %d requests, want 3", n)
	}
}

func observed(t *testing.T) uint64 {
	families, err := legacyregistry.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "apiserver_client_certificate_expiration_seconds" {
			return f.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	t.Fatal("the metric is not registered")
	return 0
}

func BenchmarkAuthenticate(b *testing.B) {
	ca := newAuthority(b, time.Now().Add(time.Hour))
	options := x509request.StaticVerifierFn(x509.VerifyOptions{Roots: ca.pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	req := ca.client(b, "anna", time.Now().Add(time.Hour))
	for name, a := range map[string]authenticator.Request{
		"published":  x509request.NewDynamic(options, x509request.CommonNameUserConversion),
		"remembered": New(options, x509request.CommonNameUserConversion, clocktesting.NewFakePassiveClock(time.Now())),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, ok, err := a.AuthenticateRequest(req); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
