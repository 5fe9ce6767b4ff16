package reconciler

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/clock"
)

// living are servers that live.
type living struct {
	mu  sync.Mutex
	all []string
}

func (l *living) Renew(_ context.Context, address string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.all, address) {
		l.all = append(l.all, address)
	}
	return nil
}

func (l *living) List(context.Context) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all), nil
}

func (l *living) Remove(_ context.Context, address string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = slices.DeleteFunc(l.all, func(a string) bool { return a == address })
	return nil
}

// TestStopWhilePublishing stops a server that is about to publish itself: it must not stay among the endpoints.
func TestStopWhilePublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		slow := sync.OnceFunc(func() { time.Sleep(time.Second) })
		client.PrependReactor("create", "endpoints", func(clienttesting.Action) (bool, runtime.Object, error) {
			slow()
			return false, nil, nil
		})
		r, err := New(Config{
			Client: client, Informers: informers.NewSharedInformerFactory(client, 0), Type: Lease, Leases: &living{}, AdvertiseAddress: net.IPv4(10, 0, 0, 9), SecurePort: 6443,
			ServiceRanges: []net.IPNet{{IP: net.IPv4(10, 96, 0, 0).To4(), Mask: net.CIDRMask(12, 32)}}, ServerID: "one", Clock: clock.RealClock{},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		go r.Run(ctx)
		synctest.Wait() // it creates the endpoints
		if err := r.Stop(ctx); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		got, err := client.CoreV1().Endpoints(metav1.NamespaceDefault).Get(ctx, serviceName, metav1.GetOptions{})
		if err != nil || len(addresses(got)) != 0 {
			t.Errorf("after the end %v are published, error %v", addresses(got), err)
		}
		end()
	})
}

func addresses(e *v1.Endpoints) (out []string) {
	for _, s := range e.Subsets {
		for _, a := range s.Addresses {
			out = append(out, a.IP)
		}
	}
	return out
}
