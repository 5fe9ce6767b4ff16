package apiserver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tiphys.dev/tiphys/test/harness"
)

const listed = 550 // enough to be shared

func manyConfigMaps(t *testing.T, c *harness.Cluster) {
	t.Helper()
	var group sync.WaitGroup
	for w := range 10 {
		group.Go(func() {
			for i := range listed / 10 {
				cm := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("cm-%d-%d", w, i)}, Data: map[string]string{"text": strings.Repeat("a", 300)}}
				if _, err := c.Client().CoreV1().ConfigMaps("default").Create(t.Context(), cm, metav1.CreateOptions{}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestListsOfOneRevisionAreTheSame asks in all ways at once, while nothing changes.
func TestListsOfOneRevisionAreTheSame(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	manyConfigMaps(t, c)
	h, err := rest.HTTPClientFor(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	read := func(accept, query string, plain bool) (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.RESTConfig().Host+"/api/v1/namespaces/default/configmaps"+query, nil)
		if err != nil {
			return "", err
		}
		req.Header.Set("Accept", accept)
		if plain {
			req.Header.Set("Accept-Encoding", "identity")
		}
		resp, err := h.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != accept {
			return "", fmt.Errorf("%s %s: %s", resp.Status, resp.Header.Get("Content-Type"), body)
		}
		return string(body), err
	}
	for _, accept := range []string{"application/json", "application/vnd.kubernetes.protobuf", "application/yaml"} {
		want, err := read(accept, "?resourceVersion=0", true)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(want, "cm-9-"); n < listed/10 {
			t.Fatalf("%s: only %d of the objects", accept, n)
		}
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				got, err := read(accept, []string{"?resourceVersion=0", ""}[i%2], i%4 < 2)
				// Requests for the newest state see the revision of the whole store, which other objects' writes raise.
				if err != nil || (i%2 == 0 && len(got) != len(want)) || strings.Count(got, "cm-9-") != strings.Count(want, "cm-9-") {
					t.Errorf("%s, request %d: %d bytes, want %d, error %v", accept, i, len(got), len(want), err)
				}
			})
		}
		group.Wait()
	}
}

// TestListsSeeWhatWasWrittenBefore has writers that list after each write: with version "" they must see it.
func TestListsSeeWhatWasWrittenBefore(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	manyConfigMaps(t, c)
	config := rest.CopyConfig(c.RESTConfig())
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for w := range 6 {
		group.Go(func() {
			if err := writeAndList(t.Context(), client, w); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func writeAndList(ctx context.Context, client kubernetes.Interface, writer int) error {
	api := client.CoreV1().ConfigMaps("default")
	for i := range 5 {
		name := fmt.Sprintf("own-%d-%d", writer, i)
		made, err := api.Create(ctx, &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		for _, options := range []metav1.ListOptions{{}, {ResourceVersion: made.ResourceVersion}} {
			list, err := api.List(ctx, options)
			if err != nil {
				return err
			}
			found := false
			for _, cm := range list.Items {
				found = found || cm.UID == made.UID
			}
			if !found || len(list.Items) < listed {
				return fmt.Errorf("list %+v of revision %s has %d objects, and %s of revision %s: %v", options, list.ResourceVersion, len(list.Items), name, made.ResourceVersion, found)
			}
		}
		if err := api.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			return err
		}
		if _, err := api.Get(ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("get of the deleted %s: %v", name, err)
		}
		list, err := api.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, cm := range list.Items {
			if cm.UID == made.UID {
				return fmt.Errorf("the deleted %s is still listed at revision %s", name, list.ResourceVersion)
			}
		}
	}
	return nil
}
