package allinone

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// TestEndedComponentIsToldNothing starts a component twice on the same informers, as after a failure.
func TestEndedComponentIsToldNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		life, end := context.WithCancel(t.Context())
		a := &assembly{informers: informer.New(informer.Config{Life: life, Client: client})}
		defer func() { end(); a.informers.Close() }()
		var mu sync.Mutex
		told := map[string]int{}
		tell := func(name string) cache.ResourceEventHandler {
			return cache.ResourceEventHandlerFuncs{AddFunc: func(any) {
				mu.Lock()
				defer mu.Unlock()
				told[name]++
			}}
		}
		run := func(name string) (stop func() error) {
			r, err := a.watching(func(_ context.Context, v *informer.View) (lifecycle.Runner, error) {
				pods := v.Core().V1().Pods().Informer()
				index := cache.Indexers{"node": func(any) ([]string, error) { return nil, nil }}
				if err := pods.AddIndexers(index); err != nil {
					return nil, err
				}
				if _, err := pods.AddEventHandler(tell(name)); err != nil {
					return nil, err
				}
				generic, err := v.ForResource(corev1.SchemeGroupVersion.WithResource("pods"))
				if err != nil {
					return nil, err
				}
				if _, err := generic.Informer().AddEventHandlerWithResyncPeriod(tell(name+" by name"), 0); err != nil {
					return nil, err
				}
				v.Start(nil)
				return lifecycle.RunnerFunc(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }), nil
			})(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			<-r.(lifecycle.Readier).Ready()
			ctx, cancel := context.WithCancel(t.Context())
			result := make(chan error, 1)
			go func() { result <- r.Run(ctx) }()
			return func() error { cancel(); return <-result }
		}
		create := func(name string) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
			if _, err := client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second) // of the bubble's time
			synctest.Wait()
		}
		stop := run("first")
		time.Sleep(time.Second)
		create("a")
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		stop = run("second")
		create("b")
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		for name, want := range map[string]int{"first": 1, "first by name": 1, "second": 2, "second by name": 2} {
			if told[name] != want {
				t.Errorf("the %s component was told %d times, want %d", name, told[name], want)
			}
		}
	})
}

// A component that cannot be built leaves nothing behind.
func TestFailedBuildLeavesNoHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		life, end := context.WithCancel(t.Context())
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "default"}}
		a := &assembly{informers: informer.New(informer.Config{Life: life, Client: fake.NewClientset(pod)})}
		defer func() { end(); a.informers.Close() }()
		broken := errors.New("broken")
		told := 0
		_, err := a.watching(func(_ context.Context, v *informer.View) (lifecycle.Runner, error) {
			_, err := v.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(any) { told++ }})
			return nil, errors.Join(broken, err)
		})(t.Context())
		a.informers.Start(nil)
		a.informers.WaitForCacheSync(t.Context().Done())
		synctest.Wait()
		if !errors.Is(err, broken) || told != 0 {
			t.Errorf("err %v, told %d times", err, told)
		}
		if pods := a.informers.Core().V1().Pods().Informer().GetStore().List(); len(pods) != 1 {
			t.Errorf("the informer has %d pods, want 1", len(pods))
		}
	})
}
