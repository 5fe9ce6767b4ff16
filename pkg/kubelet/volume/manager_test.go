package volume

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/kubelet/volume/mounter"
)

// objects is a store that tests change.
type objects struct {
	mu      sync.Mutex
	maps    map[string]*v1.ConfigMap
	secrets map[string]*v1.Secret
}

func (o *objects) ConfigMap(_ context.Context, _, name string) (*v1.ConfigMap, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m, ok := o.maps[name]; ok {
		return m, nil
	}
	return nil, apierrors.NewNotFound(v1.Resource("configmaps"), name)
}

func (o *objects) Secret(_ context.Context, _, name string) (*v1.Secret, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s, ok := o.secrets[name]; ok {
		return s, nil
	}
	return nil, apierrors.NewNotFound(v1.Resource("secrets"), name)
}

func (o *objects) put(name, key, value string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.maps[name] = &v1.ConfigMap{Data: map[string]string{key: value}}
}

type world struct {
	*Manager
	root    string
	objects *objects
	events  *record.FakeRecorder
	mounts  *mounter.Fake
	clock   *testingclock.FakeClock
	tokens  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{root: t.TempDir(), objects: &objects{maps: map[string]*v1.ConfigMap{}, secrets: map[string]*v1.Secret{}},
		events: record.NewFakeRecorder(100), mounts: &mounter.Fake{}, clock: testingclock.NewFakeClock(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))}
	client := fake.NewClientset()
	client.PrependReactor("create", "serviceaccounts", func(action clienttesting.Action) (bool, runtime.Object, error) {
		req := action.(clienttesting.CreateAction).GetObject().(*authenticationv1.TokenRequest).DeepCopy()
		w.tokens++
		req.Status.Token = strings.Repeat("t", w.tokens)
		req.Status.ExpirationTimestamp = metav1.NewTime(w.clock.Now().Add(time.Hour))
		return true, req, nil
	})
	m, err := New(Config{RootDir: w.root, Client: client, Objects: w.objects, Recorder: w.events, Mounter: w.mounts, Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	return w
}

func podWith(volumes ...v1.Volume) *v1.Pod {
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: "uid-1", Labels: map[string]string{"app": "a"}}}
	pod.Spec.Volumes = volumes
	container := v1.Container{Name: "c"}
	for _, v := range volumes {
		container.VolumeMounts = append(container.VolumeMounts, v1.VolumeMount{Name: v.Name, MountPath: "/" + v.Name})
	}
	pod.Spec.Containers = []v1.Container{container}
	return pod
}

func (w *world) content(t *testing.T, kind, volume, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(w.root, "pods/uid-1/volumes", "kubernetes.io~"+kind, volume, file))
	if err != nil {
		return "error: " + err.Error()
	}
	return string(data)
}

func TestMountAllKinds(t *testing.T) {
	w := newWorld(t)
	w.objects.put("cm", "key", "value")
	w.objects.secrets["sec"] = &v1.Secret{Data: map[string][]byte{"s": []byte("hidden")}}
	pod := podWith(
		v1.Volume{Name: "empty", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}},
		v1.Volume{Name: "mem", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{Medium: v1.StorageMediumMemory}}},
		v1.Volume{Name: "cm", VolumeSource: v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: v1.LocalObjectReference{Name: "cm"},
			Items: []v1.KeyToPath{{Key: "key", Path: "path/to/key", Mode: ptr.To[int32](0o400)}}}}},
		v1.Volume{Name: "sec", VolumeSource: v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "sec"}}},
		v1.Volume{Name: "gone", VolumeSource: v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: v1.LocalObjectReference{Name: "none"}, Optional: ptr.To(true)}}},
		v1.Volume{Name: "down", VolumeSource: v1.VolumeSource{DownwardAPI: &v1.DownwardAPIVolumeSource{Items: []v1.DownwardAPIVolumeFile{
			{Path: "labels", FieldRef: &v1.ObjectFieldSelector{FieldPath: "metadata.labels"}}}}}},
		v1.Volume{Name: "proj", VolumeSource: v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{
			{ServiceAccountToken: &v1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](3600)}},
			{ConfigMap: &v1.ConfigMapProjection{LocalObjectReference: v1.LocalObjectReference{Name: "cm"}}}}}}},
		v1.Volume{Name: "host", VolumeSource: v1.VolumeSource{HostPath: &v1.HostPathVolumeSource{Path: filepath.Join(w.root, "host"), Type: ptr.To(v1.HostPathDirectoryOrCreate)}}},
	)
	if err := w.Mount(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ kind, volume, file, want string }{
		{"configmap", "cm", "path/to/key", "value"}, {"secret", "sec", "s", "hidden"}, {"downward-api", "down", "labels", `app="a"`},
		{"projected", "proj", "token", "t"}, {"projected", "proj", "key", "value"},
	} {
		if got := w.content(t, c.kind, c.volume, c.file); got != c.want {
			t.Errorf("%s/%s = %q, want %q", c.volume, c.file, got, c.want)
		}
	}
	for _, tmpfs := range []string{"empty-dir/mem", "secret/sec", "downward-api/down", "projected/proj"} {
		if p, ok := w.mounts.Points()[filepath.Join(w.root, "pods/uid-1/volumes", "kubernetes.io~"+tmpfs)]; !ok || p.FSType != "tmpfs" {
			t.Errorf("%s is no tmpfs: %v", tmpfs, p)
		}
	}
	mounts, err := w.ContainerMounts(pod, &pod.Spec.Containers[0], nil)
	if err != nil || len(mounts) != 8 {
		t.Fatalf("mounts %v, %v", mounts, err)
	}
	for _, m := range mounts {
		readOnly := m.ContainerPath != "/empty" && m.ContainerPath != "/mem" && m.ContainerPath != "/host"
		if m.Readonly != readOnly {
			t.Errorf("%s: readonly %v", m.ContainerPath, m.Readonly)
		}
	}

	// The content follows the objects and the pod.
	w.objects.put("cm", "key", "changed")
	pod = pod.DeepCopy()
	pod.Labels["app"] = "b"
	if err := w.Resync(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	if got := w.content(t, "configmap", "cm", "path/to/key") + w.content(t, "downward-api", "down", "labels"); got != `changedapp="b"` {
		t.Errorf("after the change: %s", got)
	}
	if w.tokens != 1 {
		t.Errorf("a token that is not due was renewed (%d)", w.tokens)
	}

	// A new process finds everything, and can take it away without the pod.
	again, err := New(Config{RootDir: w.root, Objects: w.objects, Recorder: w.events, Mounter: w.mounts, Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	if uids, err := again.PodsOnDisk(); err != nil || len(uids) != 1 {
		t.Fatalf("pods on disk %v %v", uids, err)
	}
	if err := again.Unmount(t.Context(), "uid-1"); err != nil {
		t.Fatal(err)
	}
	if err := again.RemovePodDir("uid-1"); err != nil {
		t.Fatal(err)
	}
	if len(w.mounts.Points()) != 0 {
		t.Errorf("still mounted: %v", w.mounts.Points())
	}
	if _, err := os.Stat(filepath.Join(w.root, "host")); err != nil {
		t.Errorf("the host's directory went with the pod: %v", err)
	}
}

// A pod that waits for a ConfigMap goes on as soon as it is told of it, not at the next try.
func TestMountWaitsForObject(t *testing.T) {
	w := newWorld(t)
	pod := podWith(v1.Volume{Name: "cm", VolumeSource: v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: v1.LocalObjectReference{Name: "later"}}}})
	done := make(chan error, 1)
	go func() { done <- w.Mount(t.Context(), pod) }()
	if event := <-w.events.Events; !strings.Contains(event, `FailedMount MountVolume.SetUp failed for volume "cm" : configmap "later" not found`) {
		t.Errorf("event %q", event)
	}
	w.objects.put("later", "k", "v")
	for !w.clock.HasWaiters() { //nolint:revive // the next line only matters once Mount waits
	}
	if err := w.Resync(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := w.content(t, "configmap", "cm", "k"); got != "v" {
		t.Errorf("content %q", got)
	}
}

func TestMountGivesUpWithContext(t *testing.T) {
	w := newWorld(t)
	pod := podWith(v1.Volume{Name: "sec", VolumeSource: v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "none"}}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Mount(ctx, pod) }()
	<-w.events.Events
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), `unmounted volumes=[sec]`) {
		t.Errorf("err = %v", err)
	}
}

func TestTokenRenewal(t *testing.T) {
	w := newWorld(t)
	pod := podWith(v1.Volume{Name: "proj", VolumeSource: v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{Sources: []v1.VolumeProjection{
		{ServiceAccountToken: &v1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](3600)}}}}}})
	if err := w.Mount(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	if next := w.Manager.tokens.NextRefresh(types.UID("uid-1")).Sub(w.clock.Now()); next > 48*time.Minute || next < 47*time.Minute {
		t.Errorf("renewal in %v, want about four fifths of an hour", next)
	}
	w.clock.Step(49 * time.Minute)
	w.renew(t.Context())
	if got := w.content(t, "projected", "proj", "token"); got != "tt" {
		t.Errorf("token %q", got)
	}
}
