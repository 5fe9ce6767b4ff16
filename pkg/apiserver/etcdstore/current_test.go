package etcdstore

import (
	"context"
	"errors"
	"testing"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/storage"
)

// heldPod is a cache with one pod, or none.
type heldPod struct {
	pod     *corev1.Pod
	filling bool
}

func (h heldPod) Ready() bool { return !h.filling }

func (h heldPod) Get(_ context.Context, key string, _ storage.GetOptions, into runtime.Object) error {
	if h.pod == nil {
		return storage.NewKeyNotFoundError(key, 7)
	}
	*into.(*corev1.Pod) = *h.pod
	return nil
}

// below is the storage behind the cache. Like a decoder, it leaves alone what it has nothing for.
type below struct{ storage.Interface }

func (below) Get(_ context.Context, _ string, _ storage.GetOptions, into runtime.Object) error {
	into.(*corev1.Pod).Labels = map[string]string{"from": "store"}
	return nil
}

// atRevision is a store that has one key.
type atRevision struct {
	clientv3.KV
	revision int64
	err      error
	asked    []string
}

func (s *atRevision) Get(_ context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	s.asked = append(s.asked, key)
	if !clientv3.OpGet(key, opts...).IsKeysOnly() {
		return nil, errors.New("asked for more than the key")
	}
	r := &clientv3.GetResponse{}
	if s.revision != 0 {
		r.Kvs = []*mvccpb.KeyValue{{Key: []byte(key), ModRevision: s.revision}}
	}
	return r, s.err
}

func TestCurrentState(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", ResourceVersion: "42", Labels: map[string]string{"from": "cache"}}}
	for name, test := range map[string]struct {
		held     heldPod
		revision int64
		err      error
		request  request.RequestInfo
		version  string
		want     string
		asked    int
	}{
		"the cache has the present state": {held: heldPod{pod: pod}, revision: 42, want: "cache", asked: 1},
		"the cache is behind":             {held: heldPod{pod: pod}, revision: 43, want: "store", asked: 1},
		"the object is gone":              {held: heldPod{pod: pod}, want: "store", asked: 1},
		"the store does not answer":       {held: heldPod{pod: pod}, revision: 42, err: errors.New("no"), want: "store", asked: 1},
		"the cache has not seen it":       {want: "store"},
		"the cache is filling":            {held: heldPod{pod: pod, filling: true}, revision: 42, want: "store"},
		"a version is asked for":          {held: heldPod{pod: pod}, revision: 42, version: "0", want: "store"},
		"the object will be changed":      {held: heldPod{pod: pod}, revision: 42, request: request.RequestInfo{IsResourceRequest: true, Verb: "delete"}, want: "store"},
		"a subresource is asked for":      {held: heldPod{pod: pod}, revision: 42, request: request.RequestInfo{IsResourceRequest: true, Verb: "get", Subresource: "log"}, want: "store"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.request.Verb == "" {
				test.request = request.RequestInfo{IsResourceRequest: true, Verb: "get"}
			}
			store := &atRevision{revision: test.revision, err: test.err}
			c := current{Interface: below{}, cache: test.held, store: store, root: "registry"}
			var got corev1.Pod
			err := c.Get(request.WithRequestInfo(t.Context(), &test.request), "/pods/default/a", storage.GetOptions{ResourceVersion: test.version}, &got)
			if err != nil || got.Labels["from"] != test.want || len(store.asked) != test.asked {
				t.Errorf("labels %v, error %v, asked the store for %v", got.Labels, err, store.asked)
			}
			if test.want == "store" && got.Name != "" {
				t.Errorf("something of the cache is left: %v", got.ObjectMeta)
			}
			if test.asked == 1 && store.asked[0] != "/registry/pods/default/a" {
				t.Errorf("asked for %s", store.asked[0])
			}
		})
	}
}
