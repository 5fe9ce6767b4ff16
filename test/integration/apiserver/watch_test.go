package apiserver

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/test/harness"
)

// seen is what a watch has been told, in short.
type seen struct {
	event   watch.EventType
	name    string
	version uint64
}

// TestManyWatchesSeeTheSame opens many watches of every kind while objects come, change and go. Each must see every event once, in order, however slow
// it reads, and whenever it began.
func TestManyWatchesSeeTheSame(t *testing.T) {
	const watches, writers, rounds = 40, 4, 100
	c := harness.Start(t, harness.Config{})
	config := rest.CopyConfig(c.RESTConfig())
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	api := client.CoreV1().ConfigMaps("default")
	before, err := api.Create(t.Context(), configMap("before"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	var mu sync.Mutex
	got := map[int][]seen{}
	var watching, writing sync.WaitGroup
	follow := func(i int) {
		options := metav1.ListOptions{ResourceVersion: before.ResourceVersion, AllowWatchBookmarks: i%2 == 0}
		if i%5 == 4 {
			options = metav1.ListOptions{SendInitialEvents: ptr.To(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true}
		}
		w, err := api.Watch(ctx, options)
		if err != nil {
			t.Errorf("watch %d: %v", i, err)
			return
		}
		defer w.Stop()
		var events []seen
		for event := range w.ResultChan() {
			switch object := event.Object.(type) {
			case *v1.ConfigMap:
				version, err := strconv.ParseUint(object.ResourceVersion, 10, 64)
				if err != nil {
					t.Error(err)
				}
				if event.Type != watch.Bookmark {
					events = append(events, seen{event.Type, object.Name, version})
				}
				if object.Name == "last" {
					mu.Lock()
					got[i] = events
					mu.Unlock()
					return
				}
			default:
				t.Errorf("watch %d, after %d events: %s %v", i, len(events), event.Type, object)
				return
			}
			if i%7 == 6 && len(events)%10 == 0 {
				time.Sleep(20 * time.Millisecond) // a client that is slow
			}
		}
		t.Errorf("watch %d has ended after %d events", i, len(events))
	}
	for i := range watches / 2 {
		watching.Go(func() { follow(i) })
	}
	for n := range writers {
		writing.Go(func() {
			for round := range rounds {
				name := fmt.Sprintf("cm-%d-%d", n, round)
				cm, err := api.Create(ctx, configMap(name), metav1.CreateOptions{})
				if err == nil {
					cm.Data["round"] = "1"
					_, err = api.Update(ctx, cm, metav1.UpdateOptions{})
				}
				if err == nil {
					err = api.Delete(ctx, name, metav1.DeleteOptions{})
				}
				if err != nil {
					t.Error(err)
					return
				}
				if i := watches/2 + n*rounds/2 + round/2; round%20 == 0 && n < 2 {
					watching.Go(func() { follow(i) }) // and some begin in the midst of it
				}
			}
		})
	}
	writing.Wait()
	if _, err := api.Create(ctx, configMap("last"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	watching.Wait()

	// All that began at the same version have seen the same.
	all := got[0]
	if want := writers*rounds*3 + 1; len(all) != want {
		t.Fatalf("the first watch has seen %d events, want %d", len(all), want)
	}
	for i, events := range got {
		if i%5 == 4 { // it began with what there was: what follows must be the end of the same
			at := 0
			for j := 1; j < len(events); j++ {
				if events[j].version < events[j-1].version || events[j].event != watch.Added {
					at = j
				}
				if events[j].event != watch.Added {
					break
				}
			}
			events = events[at:]
		}
		tail := all[max(0, len(all)-len(events)):]
		for j := range tail {
			if j >= len(events) || events[j] != tail[j] {
				t.Errorf("watch %d, event %d of %d: %v, the first watch has %v", i, j, len(events), events[j], tail[j])
				break
			}
		}
		if i%5 != 4 && len(events) != len(all) {
			t.Errorf("watch %d has seen %d events, the first one %d", i, len(events), len(all))
		}
	}
	if len(got) < watches/2+writers {
		t.Errorf("only %d watches came to the end", len(got))
	}
}
