package externalsigner

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	externaljwt "k8s.io/externaljwt/apis/v1"
	"k8s.io/utils/clock"
	testclock "k8s.io/utils/clock/testing"

	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
)

// remote is a signer that keeps its keys in memory.
type remote struct {
	externaljwt.UnimplementedExternalJWTSignerServer

	mu      sync.Mutex
	keys    map[string]*ecdsa.PrivateKey
	hidden  []string
	signing string
	max     int64
	fetches int
	// header replaces the header of what it signs, when it is set.
	header map[string]string
}

func (r *remote) add(t *testing.T, id string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[id] = key
	r.signing = id
}

func (r *remote) Metadata(context.Context, *externaljwt.MetadataRequest) (*externaljwt.MetadataResponse, error) {
	return &externaljwt.MetadataResponse{MaxTokenExpirationSeconds: r.max}, nil
}

func (r *remote) FetchKeys(context.Context, *externaljwt.FetchKeysRequest) (*externaljwt.FetchKeysResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fetches++
	out := &externaljwt.FetchKeysResponse{DataTimestamp: timestamppb.Now(), RefreshHintSeconds: 30}
	for id, key := range r.keys {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return nil, err
		}
		out.Keys = append(out.Keys, &externaljwt.Key{KeyId: id, Key: der, ExcludeFromOidcDiscovery: slices.Contains(r.hidden, id)})
	}
	return out, nil
}

func (r *remote) Sign(_ context.Context, req *externaljwt.SignJWTRequest) (*externaljwt.SignJWTResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := map[string]string{"alg": "ES256", "kid": r.signing, "typ": "JWT"}
	if r.header != nil {
		h = r.header
	}
	raw, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	head := base64.RawURLEncoding.EncodeToString(raw)
	sum := sha256.Sum256([]byte(head + "." + req.GetClaims()))
	a, b, err := ecdsa.Sign(rand.Reader, r.keys[r.signing], sum[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 64)
	a.FillBytes(signature[:32])
	b.FillBytes(signature[32:])
	return &externaljwt.SignJWTResponse{Header: head, Signature: base64.RawURLEncoding.EncodeToString(signature)}, nil
}

// serve runs the remote signer on a socket.
func serve(t *testing.T) (*remote, string) {
	t.Helper()
	r := &remote{keys: map[string]*ecdsa.PrivateKey{}, max: 3600}
	r.add(t, "first")
	socket := filepath.Join(t.TempDir(), "signer.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	externaljwt.RegisterExternalJWTSignerServer(s, r)
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	return r, socket
}

func start(t *testing.T, c clock.WithTicker) (*remote, *Signer) {
	t.Helper()
	r, socket := serve(t)
	ctx, cancel := context.WithCancel(context.Background())
	s, err := New(ctx, Config{Endpoint: socket, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r, s
}

func issue(t *testing.T, s *Signer) (string, error) {
	t.Helper()
	account := &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "builder", Namespace: "dev", UID: "u"}}
	token, _, _, err := serviceaccount.NewIssuer("https://issuer", s).Issue(context.Background(),
		serviceaccount.Request{Account: account, Audiences: []string{"api"}, Lifetime: time.Hour}, time.Now())
	return token, err
}

func authenticate(t *testing.T, s *Signer, token string) (string, error) {
	t.Helper()
	a := &serviceaccount.Authenticator{Issuers: []string{"https://issuer"}, Audiences: []string{"api"}, Keys: s, Clock: clock.RealClock{}}
	r, ok, err := a.AuthenticateToken(context.Background(), token)
	if !ok || err != nil {
		return "", err
	}
	return r.User.GetName(), nil
}

func TestIssueAndVerify(t *testing.T) {
	_, s := start(t, clock.RealClock{})
	if s.MaxExpiration() != time.Hour {
		t.Errorf("longest lifetime is %s", s.MaxExpiration())
	}
	token, err := issue(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if name, err := authenticate(t, s, token); name != "system:serviceaccount:dev:builder" || err != nil {
		t.Errorf("got %q, %v", name, err)
	}
}

// TestRotation: the first token of a new key makes it known, without waiting for the next refresh.
func TestRotation(t *testing.T) {
	r, s := start(t, testclock.NewFakeClock(time.Now()))
	old, err := issue(t, s)
	if err != nil {
		t.Fatal(err)
	}
	r.add(t, "second")
	token, err := issue(t, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []string{old, token} {
		if _, err := authenticate(t, s, one); err != nil {
			t.Error(err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fetches != 2 {
		t.Errorf("keys were fetched %d times, want once at the start and once for the new key", r.fetches)
	}
}

// TestRefresh: keys are fetched again as often as the signer asks for.
func TestRefresh(t *testing.T) {
	c := testclock.NewFakeClock(time.Now())
	r, s := start(t, c)
	r.add(t, "second")
	for len(s.Find(context.Background(), "")) != 2 {
		if c.HasWaiters() {
			c.Step(time.Minute)
		}
	}
}

func TestPublished(t *testing.T) {
	r, socket := serve(t)
	r.add(t, "legacy")
	r.hidden, r.signing = []string{"legacy"}, "first"
	s, err := New(context.Background(), Config{Endpoint: socket, Clock: clock.RealClock{}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.connection.Close() }()
	docs, err := serviceaccount.NewDocuments("https://issuer", "", "api:443", s)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	docs.ServeKeys(w, nil)
	if body := w.Body.String(); !strings.Contains(body, `"kid":"first"`) || strings.Contains(body, "legacy") {
		t.Errorf("published keys: %s", body)
	}
	if got := w.Header().Get("Cache-Control"); got != "public, max-age=30" {
		t.Errorf("Cache-Control is %q, want what the signer says", got)
	}
	if len(s.Find(context.Background(), "legacy")) != 1 {
		t.Error("a hidden key does not verify")
	}
	r.mu.Lock()
	r.signing = "legacy"
	r.mu.Unlock()
	if _, err := issue(t, s); err == nil || !strings.Contains(err.Error(), "excludes from discovery") {
		t.Errorf("signing with a hidden key: %v", err)
	}
}

func TestHeadersRefused(t *testing.T) {
	r, s := start(t, clock.RealClock{})
	for name, h := range map[string]map[string]string{
		"no typ":         {"alg": "ES256", "kid": "first"},
		"no kid":         {"alg": "ES256", "typ": "JWT"},
		"long kid":       {"alg": "ES256", "typ": "JWT", "kid": strings.Repeat("x", 1025)},
		"unknown alg":    {"alg": "HS256", "typ": "JWT", "kid": "first"},
		"something else": {"alg": "ES256", "typ": "JWT", "kid": "first", "x5u": "y"},
		"unknown key":    {"alg": "ES256", "typ": "JWT", "kid": "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			r.mu.Lock()
			r.header = h
			r.mu.Unlock()
			if token, err := issue(t, s); err == nil {
				t.Errorf("got token %s", token)
			}
		})
	}
}

func TestStartRefused(t *testing.T) {
	r, socket := serve(t)
	r.max = 599
	if _, err := New(context.Background(), Config{Endpoint: socket, Clock: clock.RealClock{}}); err == nil {
		t.Error("a signer with lifetimes under ten minutes is taken")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := New(ctx, Config{Endpoint: filepath.Join(t.TempDir(), "none"), Clock: clock.RealClock{}}); err == nil {
		t.Error("a signer that is not there is taken")
	}
}
