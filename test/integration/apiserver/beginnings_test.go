package apiserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/test/harness"
)

// TestWatchesFromTheBeginning opens watches that begin with all there is while objects change. What each makes of its events must be what there is in
// the end, and what comes after the beginning must be newer than it, each event once.
func TestWatchesFromTheBeginning(t *testing.T) {
	const watches, writers, rounds = 30, 4, 60
	c := harness.Start(t, harness.Config{})
	manyConfigMaps(t, c)
	api := func(contentType string) (kubernetes.Interface, error) {
		config := rest.CopyConfig(c.RESTConfig())
		config.QPS, config.ContentType, config.AcceptContentTypes = -1, contentType, contentType
		return kubernetes.NewForConfig(config)
	}
	protobuf, err := api("application/vnd.kubernetes.protobuf")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := api("application/json")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	follow := func(i int) (map[string]string, error) {
		client := []kubernetes.Interface{protobuf, plain}[i%2]
		options := metav1.ListOptions{SendInitialEvents: ptr.To(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true}
		if i%3 == 2 {
			options.ResourceVersion = "0"
		}
		w, err := client.CoreV1().ConfigMaps("default").Watch(ctx, options)
		if err != nil {
			return nil, err
		}
		defer w.Stop()
		state := map[string]string{}
		var begun bool
		var newest uint64
		for e := range w.ResultChan() {
			object, ok := e.Object.(*v1.ConfigMap)
			if !ok {
				return nil, fmt.Errorf("%s %v", e.Type, e.Object)
			}
			version, err := strconv.ParseUint(object.ResourceVersion, 10, 64)
			if err != nil {
				return nil, err
			}
			_, known := state[object.Name]
			switch {
			case e.Type == watch.Bookmark:
				if object.Annotations[metav1.InitialEventsAnnotationKey] == "true" {
					if begun || version < newest {
						return nil, fmt.Errorf("the beginning ends at %d, begun %v, newest %d", version, begun, newest)
					}
					begun, newest = true, version
				}
				continue
			case begun && version <= newest:
				return nil, fmt.Errorf("%s %s of %d after %d", e.Type, object.Name, version, newest)
			case !begun && e.Type != watch.Added, e.Type == watch.Added && known, e.Type != watch.Added && !known:
				return nil, fmt.Errorf("%s %s of %d, begun %v, known %v", e.Type, object.Name, version, begun, known)
			}
			newest = max(newest, version)
			if state[object.Name] = object.ResourceVersion; e.Type == watch.Deleted {
				delete(state, object.Name)
			}
			if object.Name == "last" {
				return state, nil
			}
		}
		return nil, fmt.Errorf("the watch has ended, begun %v, %d objects", begun, len(state))
	}

	states := make([]map[string]string, watches)
	var watching, writing sync.WaitGroup
	begin := func(i int) {
		watching.Go(func() {
			var err error
			if states[i], err = follow(i); err != nil {
				t.Errorf("watch %d: %v", i, err)
			}
		})
	}
	for i := range watches / 2 {
		begin(i)
	}
	configMaps := protobuf.CoreV1().ConfigMaps("default")
	for n := range writers {
		writing.Go(func() {
			for round := range rounds {
				name := fmt.Sprintf("new-%d-%d", n, round)
				cm, err := configMaps.Create(ctx, configMap(name), metav1.CreateOptions{})
				if err == nil {
					cm.Data["round"] = "1"
					_, err = configMaps.Update(ctx, cm, metav1.UpdateOptions{})
				}
				if err == nil && round%2 == 0 {
					err = configMaps.Delete(ctx, name, metav1.DeleteOptions{})
				}
				if err != nil {
					t.Error(err)
					return
				}
				if i := watches/2 + round/4; n == 0 && round%4 == 3 && i < watches {
					begin(i)
				}
			}
		})
	}
	writing.Wait()
	if _, err := configMaps.Create(ctx, configMap("last"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	watching.Wait()
	list, err := configMaps.List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, cm := range list.Items {
		want[cm.Name] = cm.ResourceVersion
	}
	for i, state := range states {
		if state != nil && !maps.Equal(state, want) {
			t.Errorf("watch %d has made out %d objects, there are %d, or other versions", i, len(state), len(want))
		}
	}
}

// TestOpenWatchesTakeNoSeats: more watches of one user than all levels have seats, in each way they can begin, and he is served as before.
func TestOpenWatchesTakeNoSeats(t *testing.T) {
	const seats, watches = 30, 60
	c := harness.Start(t, harness.Config{Change: func(c *apiserver.Config) {
		c.ServerRun.MaxRequestsInFlight, c.ServerRun.MaxMutatingRequestsInFlight = seats/2, seats/2
	}})
	manyConfigMaps(t, c)
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "somebody"}, RoleRef: rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects: []rbacv1.Subject{{APIGroup: "rbac.authorization.k8s.io", Kind: "User", Name: "somebody"}}}
	if _, err := c.Client().RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	config := rest.CopyConfig(c.RESTConfig())
	config.QPS, config.Impersonate = -1, rest.ImpersonationConfig{UserName: "somebody", Groups: []string{"system:authenticated"}}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	api := client.CoreV1().ConfigMaps("default")
	var list *v1.ConfigMapList
	// The authorizer learns of the binding by a watch.
	err = wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		list, err = api.List(ctx, metav1.ListOptions{Limit: 1})
		if apierrors.IsForbidden(err) {
			return false, nil
		}
		return true, err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string]metav1.ListOptions{
		"from a version":     {ResourceVersion: list.ResourceVersion},
		"from the beginning": {SendInitialEvents: ptr.To(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for i := range watches {
				w, err := api.Watch(ctx, options)
				if err != nil {
					t.Fatalf("watch %d: %v", i, err)
				}
				defer w.Stop()
				go func() {
					for range w.ResultChan() { // whoever watches reads
					}
				}()
			}
			if _, err := api.Get(ctx, "cm-0-0", metav1.GetOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFormsFromTheBeginning: each form of the objects is what it is without sharing, for the first who asks for it and for the next.
func TestFormsFromTheBeginning(t *testing.T) {
	c := harness.Start(t, harness.Config{})
	manyConfigMaps(t, c)
	h, err := rest.HTTPClientFor(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Kind     string
		Metadata struct{ Name string }
		// Rows are those of tables.
		Rows []struct {
			Object struct{ Metadata struct{ Name string } }
		}
	}
	read := func(accept string) (objects []object, end metav1.ObjectMeta) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		query := "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.RESTConfig().Host+"/api/v1/namespaces/default/configmaps"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		resp, err := h.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for decoder := json.NewDecoder(resp.Body); ; {
			var event struct {
				Type   string
				Object json.RawMessage
			}
			var o object
			if err := errors.Join(decoder.Decode(&event), json.Unmarshal(event.Object, &o)); err != nil {
				t.Fatalf("%s, after %d events: %v", accept, len(objects), err)
			}
			if event.Type == "BOOKMARK" {
				var bookmark struct {
					Metadata metav1.ObjectMeta
					Rows     []struct {
						Object struct{ Metadata metav1.ObjectMeta }
					}
				}
				if err := json.Unmarshal(event.Object, &bookmark); err != nil {
					t.Fatal(err)
				}
				if len(bookmark.Rows) == 1 {
					return objects, bookmark.Rows[0].Object.Metadata
				}
				return objects, bookmark.Metadata
			}
			objects = append(objects, o)
		}
	}
	for accept, kind := range map[string]string{
		"application/json": "ConfigMap",
		"application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io": "PartialObjectMetadata",
		"application/json;as=Table;v=v1;g=meta.k8s.io":                 "Table",
	} {
		var first []object
		for n := range 3 {
			objects, end := read(accept)
			if len(objects) != listed || end.Annotations[metav1.InitialEventsAnnotationKey] != "true" {
				t.Errorf("%s: %d objects, then %v", accept, len(objects), end)
			}
			for i, o := range objects {
				if o.Kind != kind || kind != "Table" && o.Metadata.Name == "" {
					t.Fatalf("%s, event %d: %+v", accept, i, o)
				}
				if kind == "Table" && (len(o.Rows) != 1 || o.Rows[0].Object.Metadata.Name == "") {
					t.Fatalf("%s, event %d: %+v", accept, i, o)
				}
			}
			if n == 0 {
				first = objects
			} else if kind != "Table" && !reflect.DeepEqual(objects, first) { // tables tell of ages
				t.Errorf("%s: watch %d sees other objects", accept, n)
			}
		}
	}
}
