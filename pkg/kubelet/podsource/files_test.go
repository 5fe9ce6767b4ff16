package podsource

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	podrules "tiphys.dev/apirules/core/pod"
)

type seen struct {
	pods map[types.UID]*v1.Pod
	gone []types.UID
}

func (s *seen) Set(p *v1.Pod)        { s.pods[p.UID] = p }
func (s *seen) Remove(uid types.UID) { delete(s.pods, uid); s.gone = append(s.gone, uid) }
func (s *seen) Synced()              {}
func (s *seen) only(t *testing.T) *v1.Pod {
	t.Helper()
	if len(s.pods) != 1 {
		t.Fatalf("%d pods, want one", len(s.pods))
	}
	for _, p := range s.pods {
		return p
	}
	return nil
}

const manifest = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"c","image":"img"}]}}`

func TestStaticPodsFollowTheirFiles(t *testing.T) {
	dir, s := t.TempDir(), &seen{pods: map[types.UID]*v1.Pod{}}
	f, err := NewFiles(FilesConfig{Path: dir, NodeName: "node-1", Handler: s,
		Rules: Rules{SetDefaults: podrules.SetDefaults, Validate: podrules.ValidateStatic, Decoder: scheme.Codecs.UniversalDeserializer()}})
	if err != nil {
		t.Fatal(err)
	}
	look := func() {
		t.Helper()
		if err := f.look(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "web.yaml")
	put := func(body string) {
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(manifest)
	look()
	p := s.only(t)
	if p.Name != "web-node-1" || p.Namespace != "default" || p.Spec.NodeName != "node-1" || p.UID == "" {
		t.Errorf("identity: %s/%s on %s, UID %s", p.Namespace, p.Name, p.Spec.NodeName, p.UID)
	}
	if p.Annotations[AnnotationHash] != string(p.UID) || p.Annotations[AnnotationSource] != "file" || !IsStatic(p) {
		t.Errorf("annotations: %v", p.Annotations)
	}
	if p.Spec.Containers[0].ImagePullPolicy != v1.PullAlways {
		t.Error("no defaults were set")
	}
	look()
	if again := s.only(t); again != p || len(s.gone) != 0 {
		t.Error("an unchanged file gave another pod")
	}
	put(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"c","image":"other"}]}}`)
	look()
	if q := s.only(t); q.UID == p.UID || len(s.gone) != 1 || s.gone[0] != p.UID {
		t.Error("a changed file must be another pod, and the first one gone")
	}
	put(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"serviceAccountName":"sa","containers":[{"name":"c","image":"img"}]}}`)
	look()
	if len(s.pods) != 0 {
		t.Error("a static pod cannot have a service account")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	look()
	if len(s.pods) != 0 {
		t.Error("removed file, but a pod is left")
	}
}
