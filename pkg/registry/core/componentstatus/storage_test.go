package componentstatus

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

func fixed(name, message string, err error) Component {
	return Component{Name: name, Check: func(context.Context) (string, error) { return message, err }}
}

func TestList(t *testing.T) {
	r := New([]Component{fixed("scheduler", "ok", nil), fixed("etcd-0", "", errors.New("gone"))})
	byLabel, err := labels.Parse("a=b")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options *internalversion.ListOptions
		want    [][]any
	}{
		"all":         {nil, [][]any{{"scheduler", "Healthy", "ok", ""}, {"etcd-0", "Unhealthy", "gone", ""}}},
		"by name":     {&internalversion.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", "etcd-0")}, [][]any{{"etcd-0", "Unhealthy", "gone", ""}}},
		"by label":    {&internalversion.ListOptions{LabelSelector: byLabel}, nil},
		"nothing set": {&internalversion.ListOptions{}, [][]any{{"scheduler", "Healthy", "ok", ""}, {"etcd-0", "Unhealthy", "gone", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := r.List(context.Background(), c.options)
			if err != nil {
				t.Fatal(err)
			}
			var got [][]any
			for _, o := range list.(*corev1.ComponentStatusList).Items {
				got = append(got, row(&o))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestGet(t *testing.T) {
	r := New([]Component{fixed("scheduler", "ok", nil)})
	if _, err := r.Get(context.Background(), "scheduler", nil); err != nil {
		t.Error(err)
	}
	_, err := r.Get(context.Background(), "foo", nil)
	if !apierrors.IsNotFound(err) || err.Error() != `componentstatus "foo" not found` {
		t.Errorf("got %v", err)
	}
}

func TestDaemonAnswers(t *testing.T) {
	code := http.StatusOK
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte("ok"))
	}))
	defer s.Close()
	if got, err := get(context.Background(), s.Client(), s.URL); got != "ok" || err != nil {
		t.Errorf("healthy: got %q, %v", got, err)
	}
	code = http.StatusInternalServerError
	if _, err := get(context.Background(), s.Client(), s.URL); err == nil || err.Error() != "HTTP probe failed with statuscode: 500" {
		t.Errorf("unhealthy: got %v", err)
	}
}
