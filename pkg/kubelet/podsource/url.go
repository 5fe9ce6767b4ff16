package podsource

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// URLConfig of a URL source.
type URLConfig struct {
	URL      string
	Header   http.Header
	NodeName string
	// Period between requests; 0 means 20 s.
	Period  time.Duration
	Rules   Rules
	Handler Handler
	Clock   clock.WithTicker
}

// URL asks an address for static pods, again and again: HTTP has no watch.
type URL struct {
	cfg    URLConfig
	client *http.Client
	last   []byte
	known  map[types.UID]*v1.Pod
}

// NewURL builds the source.
func NewURL(cfg URLConfig) (*URL, error) {
	if cfg.URL == "" || cfg.Handler == nil {
		return nil, fmt.Errorf("static pod source: URL and handler are needed")
	}
	if cfg.Period == 0 {
		cfg.Period = 20 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	return &URL{cfg: cfg, client: &http.Client{Timeout: 10 * time.Second}, known: map[types.UID]*v1.Pod{}}, nil
}

// Run asks until ctx ends.
func (u *URL) Run(ctx context.Context) error {
	synced := false
	ticker := u.cfg.Clock.NewTicker(u.cfg.Period)
	defer ticker.Stop()
	for {
		if err := u.look(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Fetching static pods", "url", u.cfg.URL)
		}
		if !synced {
			synced = true
			u.cfg.Handler.Synced()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
		}
	}
}

func (u *URL) look(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.cfg.URL, nil)
	if err != nil {
		return err
	}
	req.Header = u.cfg.Header.Clone()
	resp, err := u.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 10<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", resp.Status)
	}
	if len(data) == 0 || bytes.Equal(data, u.last) {
		return nil
	}
	pods, err := u.cfg.Rules.decode(data)
	if err != nil {
		return err
	}
	now := map[types.UID]*v1.Pod{}
	for _, p := range pods {
		pod, err := u.cfg.Rules.complete(p, u.cfg.NodeName, "http", u.cfg.URL, u.cfg.Clock.Now())
		if err != nil {
			return err
		}
		now[pod.UID] = pod
	}
	u.last = data
	u.known = deliver(u.cfg.Handler, u.known, now)
	return nil
}
