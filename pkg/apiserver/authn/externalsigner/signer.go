package externalsigner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	externaljwt "k8s.io/externaljwt/apis/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
)

// Config says where the signer is.
type Config struct {
	// Endpoint is the path of its unix socket; one that begins with @ is in the abstract namespace.
	Endpoint string
	Clock    clock.WithTicker
}

const (
	// startTimeout is how long the signer may take to appear when the API server starts; callTimeout ends a later call.
	startTimeout = time.Minute
	callTimeout  = 10 * time.Second
	// retryFetch is when keys are asked for again after a failure.
	retryFetch = 10 * time.Second
	// leastExpiration is the shortest limit on lifetimes that a signer may set.
	leastExpiration = 10 * time.Minute
)

// Signer signs tokens with the keys of the external process and knows the keys that verify them.
type Signer struct {
	client     externaljwt.ExternalJWTSignerClient
	connection *grpc.ClientConn
	clock      clock.WithTicker
	expiration time.Duration

	keys atomic.Pointer[keySet]
	// fetching lets one fetch at a time through; whoever waited uses what it brought.
	fetching sync.Mutex
}

var (
	_ serviceaccount.Signer    = &Signer{}
	_ serviceaccount.KeySource = &Signer{}
)

// New connects to the signer and reads its limits and its keys, waiting for it as long as it may take to start.
func New(ctx context.Context, c Config) (*Signer, error) {
	registerMetrics()
	target := "unix:" + c.Endpoint
	if name, abstract := strings.CutPrefix(c.Endpoint, "@"); abstract {
		target = "unix-abstract:" + name
	}
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithAuthority("localhost"), grpc.WithUnaryInterceptor(measure(c.Clock)))
	if err != nil {
		return nil, fmt.Errorf("connecting to the external signer %s: %w", c.Endpoint, err)
	}
	s := &Signer{client: externaljwt.NewExternalJWTSignerClient(connection), connection: connection, clock: c.Clock}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("external signer %s: %w", c.Endpoint, err), connection.Close())
	}
	return s, nil
}

func (s *Signer) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	meta, err := s.client.Metadata(ctx, &externaljwt.MetadataRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return fmt.Errorf("asking for its limits: %w", err)
	}
	s.expiration = time.Duration(meta.GetMaxTokenExpirationSeconds()) * time.Second
	if s.expiration < leastExpiration {
		return fmt.Errorf("its longest lifetime of a token is %s, less than %s", s.expiration, leastExpiration)
	}
	return s.fetch(ctx)
}

// MaxExpiration is the longest lifetime of a token that the signer signs.
func (s *Signer) MaxExpiration() time.Duration { return s.expiration }

// Run keeps the keys fresh until ctx ends, and then closes the connection.
func (s *Signer) Run(ctx context.Context) error {
	for {
		timer := s.clock.NewTimer(s.keys.Load().refresh)
		select {
		case <-ctx.Done():
			timer.Stop()
			return s.connection.Close()
		case <-timer.C():
		}
		for s.fetchLogged(ctx) != nil {
			retry := s.clock.NewTimer(retryFetch)
			select {
			case <-ctx.Done():
				retry.Stop()
				return s.connection.Close()
			case <-retry.C():
			}
		}
	}
}

func (s *Signer) fetchLogged(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s.fetching.Lock()
	defer s.fetching.Unlock()
	err := s.fetch(ctx)
	if err != nil {
		klog.ErrorS(err, "Fetching the keys of the external signer; those known before stay in use")
	}
	return err
}
