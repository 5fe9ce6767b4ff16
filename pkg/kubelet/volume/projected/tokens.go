package projected

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

const (
	// maxAge is when a token is renewed even though it lives longer.
	maxAge = 24 * time.Hour
	// maxJitter keeps the pods of a node from asking all at once.
	maxJitter = 10 * time.Second
	// retryAfter is how soon a failed renewal is tried again, while the old token still works.
	retryAfter = 30 * time.Second
)

// Request asks for a token; it is client-go's CreateToken.
type Request func(ctx context.Context, namespace, account string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error)

// Tokens keeps the service account tokens of this node's pods.
type Tokens struct {
	request Request
	clock   clock.PassiveClock

	mu    sync.Mutex
	known map[tokenKey]*token
}

type tokenKey struct {
	pod      types.UID
	audience string
	seconds  int64
}

type token struct {
	text    string
	expires time.Time
	// renew is when a new one should be asked for.
	renew time.Time
}

// NewTokens builds the store.
func NewTokens(request Request, clock clock.PassiveClock) *Tokens {
	return &Tokens{request: request, clock: clock, known: map[tokenKey]*token{}}
}

// Get returns the token for the source, asking for one when there is none or the one there is due. While a renewal fails
// the old token is given out until it expires.
func (t *Tokens) Get(ctx context.Context, pod *v1.Pod, source *v1.ServiceAccountTokenProjection) (string, error) {
	key := tokenKey{pod: pod.UID, audience: source.Audience}
	if source.ExpirationSeconds != nil {
		key.seconds = *source.ExpirationSeconds
	}
	now := t.clock.Now()
	t.mu.Lock()
	have := t.known[key]
	t.mu.Unlock()
	if have != nil && now.Before(have.renew) && now.Before(have.expires) {
		return have.text, nil
	}
	fresh, err := t.ask(ctx, pod, source)
	if err != nil {
		if have == nil {
			return "", err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		again := *have
		again.renew = now.Add(retryAfter)
		t.known[key] = &again
		if !now.Before(have.expires) {
			return "", err
		}
		return have.text, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[key] = fresh
	return fresh.text, nil
}

func (t *Tokens) ask(ctx context.Context, pod *v1.Pod, source *v1.ServiceAccountTokenProjection) (*token, error) {
	req := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: source.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}}
	if source.Audience != "" {
		req.Spec.Audiences = []string{source.Audience}
	}
	account := pod.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	now := t.clock.Now()
	got, err := t.request(ctx, pod.Namespace, account, req)
	if err != nil {
		return nil, fmt.Errorf("failed to fetch token: %w", err)
	}
	life := got.Status.ExpirationTimestamp.Sub(now)
	if got.Spec.ExpirationSeconds != nil {
		// The server's and our clock may differ: what counts is how long it lives, not until when.
		life = time.Duration(*got.Spec.ExpirationSeconds) * time.Second
	}
	wait := min(life*8/10, maxAge)
	jitter := time.Duration(rand.Int64N(int64(min(maxJitter, max(wait/10, 1)))))
	return &token{text: got.Status.Token, expires: now.Add(life), renew: now.Add(wait - jitter)}, nil
}

// NextRefresh is when the first token of the pod should be renewed; zero when it has none.
func (t *Tokens) NextRefresh(pod types.UID) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	var next time.Time
	for key, token := range t.known {
		if key.pod == pod && (next.IsZero() || token.renew.Before(next)) {
			next = token.renew
		}
	}
	return next
}

// Forget drops the pod's tokens.
func (t *Tokens) Forget(pod types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.known {
		if key.pod == pod {
			delete(t.known, key)
		}
	}
}

// FromClient is a Request through CreateToken of a client-go service account client.
func FromClient(create func(namespace string) TokenCreator) Request {
	return func(ctx context.Context, namespace, account string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
		return create(namespace).CreateToken(ctx, account, req, metav1.CreateOptions{})
	}
}

// TokenCreator is the part of client-go's ServiceAccountInterface that is used.
type TokenCreator interface {
	CreateToken(ctx context.Context, account string, req *authenticationv1.TokenRequest, opts metav1.CreateOptions) (*authenticationv1.TokenRequest, error)
}
