package apiserver

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/test/harness"
)

func configMap(name string) *v1.ConfigMap {
	return &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"round": "0"}}
}

// TestReadsSeeOwnWrites lets many clients read at once what they have just written: reads that go together must not be older.
func TestReadsSeeOwnWrites(t *testing.T) {
	const clients, rounds = 32, 20
	cluster := harness.Start(t, harness.Config{Addressed: true})
	api := cluster.Client().CoreV1().ConfigMaps("default")
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			own, err := api.Create(t.Context(), configMap(fmt.Sprint("own-", i)), metav1.CreateOptions{})
			for round := 1; err == nil && round <= rounds; round++ {
				want := fmt.Sprint(round)
				own.Data["round"] = want
				if own, err = api.Update(t.Context(), own, metav1.UpdateOptions{}); err != nil {
					break
				}
				var got *v1.ConfigMap
				if got, err = api.Get(t.Context(), own.Name, metav1.GetOptions{}); err == nil && (got.Data["round"] != want || got.ResourceVersion != own.ResourceVersion) {
					t.Errorf("%s: wrote round %s at %s, read %s at %s", own.Name, want, own.ResourceVersion, got.Data["round"], got.ResourceVersion)
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// TestStoreThatComesBack takes the store away for a moment: the connection that all resources share is made again, and watches go on.
func TestStoreThatComesBack(t *testing.T) {
	cluster := harness.Start(t, harness.Config{Addressed: true})
	api := cluster.Client().CoreV1().ConfigMaps("default")
	if _, err := api.Create(t.Context(), configMap("before"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	watch, err := api.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	err = cluster.RestartEtcd(func() {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := api.Get(ctx, "before", metav1.GetOptions{}); err == nil {
			t.Error("read from a store that is not there")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "what was written before", func() bool {
		_, err := api.Get(t.Context(), "before", metav1.GetOptions{})
		return err == nil
	})
	eventually(t, "writes go on", func() bool {
		_, err := api.Create(t.Context(), configMap("after"), metav1.CreateOptions{})
		return err == nil
	})
	seen := map[string]bool{}
	for deadline := time.After(time.Minute); !seen["after"]; {
		select {
		case e, ok := <-watch.ResultChan():
			if !ok {
				// A client opens a watch that has ended again, as every informer does.
				if watch, err = api.Watch(t.Context(), metav1.ListOptions{}); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if cm, is := e.Object.(*v1.ConfigMap); is {
				seen[cm.Name] = true
			}
		case <-deadline:
			t.Fatalf("the watch shows %v only", seen)
		}
	}
}
