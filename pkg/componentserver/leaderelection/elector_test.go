package leaderelection

import (
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"
)

func newElector(t *testing.T, c *fake.Clientset, id string) *Elector {
	t.Helper()
	cfg := Config{LeaderElectionConfiguration: Default("test"), Identity: id, Client: c}
	cfg.LeaseDuration = metav1.Duration{Duration: 600 * time.Millisecond}
	cfg.RenewDeadline = metav1.Duration{Duration: 400 * time.Millisecond}
	cfg.RetryPeriod = metav1.Duration{Duration: 20 * time.Millisecond}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOrderedStopHandsOver(t *testing.T) {
	c := fake.NewClientset()
	ctx, cancel := context.WithCancel(t.Context())
	leading, stopped := make(chan struct{}), false
	first := make(chan error, 1)
	go func() {
		first <- newElector(t, c, "a").Run(ctx, func(ctx context.Context) error {
			close(leading)
			<-ctx.Done()
			stopped = true
			return nil
		})
	}()
	<-leading
	second := make(chan error, 1)
	go func() {
		second <- newElector(t, c, "b").Run(t.Context(), func(context.Context) error {
			if !stopped {
				return errors.New("two leaders at once")
			}
			return nil
		})
	}()
	cancel()
	if err := <-first; err != nil {
		t.Errorf("first: %v", err)
	}
	if err := <-second; err != nil {
		t.Errorf("second: %v", err)
	}
}

func TestLostLease(t *testing.T) {
	c := fake.NewClientset()
	err := newElector(t, c, "a").Run(t.Context(), func(ctx context.Context) error {
		// The fake lets the leader write over the thief's lease if it has read it before, so the thief comes back.
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			if err := steal(ctx, c); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
	if !errors.Is(err, ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
}

func steal(ctx context.Context, c *fake.Clientset) error {
	l, err := c.CoordinationV1().Leases("kube-system").Get(ctx, "test", metav1.GetOptions{})
	if err != nil {
		return err
	}
	l.Spec.HolderIdentity, l.Spec.LeaseDurationSeconds = ptr.To("thief"), ptr.To[int32](3600)
	_, err = c.CoordinationV1().Leases("kube-system").Update(ctx, l, metav1.UpdateOptions{})
	return err
}

func TestLeadErrorComesBack(t *testing.T) {
	want := errors.New("broken")
	if err := newElector(t, fake.NewClientset(), "a").Run(t.Context(), func(context.Context) error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
