package limitranger

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	testclock "k8s.io/utils/clock/testing"
)

func list(pairs ...string) corev1.ResourceList {
	l := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		l[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return l
}

func container(name string, requests, limits corev1.ResourceList) corev1.Container {
	return corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: requests, Limits: limits}}
}

// limits are those with which upstream's server gave the messages of TestCheckPod.
func limits() *corev1.LimitRange {
	return &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "l"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{
		{
			Type: corev1.LimitTypeContainer, Min: list("cpu", "100m", "memory", "10Mi"), Max: list("cpu", "2", "memory", "1Gi"),
			Default: list("cpu", "1", "memory", "500Mi"), DefaultRequest: list("cpu", "200m", "memory", "500Mi"),
			MaxLimitRequestRatio: list("cpu", "5"),
		},
		{Type: corev1.LimitTypePod, Max: list("cpu", "3"), Min: list("memory", "20Mi")},
		{Type: corev1.LimitTypePersistentVolumeClaim, Min: list("storage", "1Gi"), Max: list("storage", "5Gi")},
	}}}
}

func TestCheckPod(t *testing.T) {
	full := func(cpu, memory string) corev1.Container {
		return container("c", list("cpu", cpu, "memory", memory), list("cpu", cpu, "memory", memory))
	}
	for _, c := range []struct {
		name       string
		containers []corev1.Container
		want       string
	}{
		{"within", []corev1.Container{full("1", "100Mi")}, ""},
		{"too little", []corev1.Container{container("c", list("cpu", "50m", "memory", "5Mi"), list("cpu", "1", "memory", "6Mi"))},
			"[minimum cpu usage per Container is 100m, but request is 50m, minimum memory usage per Container is 10Mi, but request is 5Mi, cpu max limit to request ratio per Container is 5, but provided ratio is 20.000000, minimum memory usage per Pod is 20Mi, but request is 5Mi]"},
		{"too much", []corev1.Container{container("c", list("cpu", "3", "memory", "20Mi"), list("cpu", "4", "memory", "500Mi"))},
			"[maximum cpu usage per Container is 2, but limit is 4, maximum cpu usage per Pod is 3, but limit is 4]"},
		{"nothing said", []corev1.Container{{Name: "c"}},
			"[minimum cpu usage per Container is 100m.  No request is specified, minimum memory usage per Container is 10Mi.  No request is specified, maximum cpu usage per Container is 2.  No limit is specified, maximum memory usage per Container is 1Gi.  No limit is specified, cpu max limit to request ratio per Container is 5, but no request is specified or request is 0, minimum memory usage per Pod is 20Mi.  No request is specified, maximum cpu usage per Pod is 3.  No limit is specified]"},
		{"pod too much in sum", []corev1.Container{full("2", "100Mi"), full("2", "100Mi")}, "maximum cpu usage per Pod is 3, but limit is 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := checkPod(limits(), &corev1.Pod{Spec: corev1.PodSpec{Containers: c.containers}}); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestRatioOfSmallAmounts(t *testing.T) {
	a := asked{requests: list("cpu", "10m"), limits: list("cpu", "15m")}
	if err := a.ratio(corev1.LimitTypeContainer, "cpu", resource.MustParse("1.5")); err != nil {
		t.Errorf("1.5 of 1.5: %v", err)
	}
	if err := a.ratio(corev1.LimitTypeContainer, "cpu", resource.MustParse("1.4")); err == nil {
		t.Error("1.5 of 1.4: want an error")
	}
}

func TestCheckClaim(t *testing.T) {
	for _, c := range []struct{ name, size, want string }{
		{"within", "2Gi", ""},
		{"small", "100Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 100Mi"},
		{"big", "10Gi", "maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 10Gi"},
	} {
		t.Run(c.name, func(t *testing.T) {
			claim := &corev1.PersistentVolumeClaim{}
			claim.Spec.Resources.Requests = list("storage", c.size)
			got := ""
			if err := checkClaim(limits(), claim); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSetDefaults(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		Containers:     []corev1.Container{container("c", list("cpu", "300m"), nil)},
		InitContainers: []corev1.Container{{Name: "ini"}},
	}}
	setDefaults(limits(), pod)
	want := "LimitRanger plugin set: memory request for container c; cpu, memory limit for container c; cpu, memory request for init container ini; cpu, memory limit for init container ini"
	if got := pod.Annotations[annotation]; got != want {
		t.Errorf("annotation\n%s\nwant\n%s", got, want)
	}
	if q := pod.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU]; q.String() != "300m" {
		t.Errorf("a stated request became %s", q.String())
	}
}

func TestWhichRequestsAreLookedAt(t *testing.T) {
	small := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p"}, Spec: corev1.PodSpec{Containers: []corev1.Container{container("c", list("cpu", "1m"), nil)}}}
	leaving := small.DeepCopy()
	leaving.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	for _, c := range []struct {
		name        string
		object      runtime.Object
		subresource string
		operation   admission.Operation
		refused     bool
	}{
		{"create", small, "", admission.Create, true},
		{"update", small, "", admission.Update, false},
		{"resize", small, "resize", admission.Update, true},
		{"resize of one that goes", leaving, "resize", admission.Update, false},
		{"status", small, "status", admission.Update, false},
		{"binding", small, "binding", admission.Create, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plugin(t, limits())
			a := admission.NewAttributesRecord(c.object, nil, corev1.SchemeGroupVersion.WithKind("Pod"), "ns", "p",
				corev1.SchemeGroupVersion.WithResource("pods"), c.subresource, c.operation, nil, false, nil)
			if err := p.Validate(context.Background(), a, nil); (err != nil) != c.refused {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// plugin has an empty cache, so that the ranges come from the live look-up.
func plugin(t *testing.T, ranges ...runtime.Object) *Plugin {
	t.Helper()
	client := fake.NewClientset(ranges...)
	p := newPlugin(testclock.NewFakePassiveClock(time.Unix(0, 0)))
	p.SetExternalKubeClientSet(client)
	p.SetExternalKubeInformerFactory(informers.NewSharedInformerFactory(client, 0))
	p.SetReadyFunc(func() bool { return true })
	return p
}

func TestLiveAnswerIsRemembered(t *testing.T) {
	client := fake.NewClientset()
	now := testclock.NewFakePassiveClock(time.Unix(0, 0))
	p := newPlugin(now)
	p.client = client
	for range 3 {
		if _, err := p.look(context.Background(), "ns"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(client.Actions()); n != 1 {
		t.Errorf("%d look-ups, want 1", n)
	}
	now.SetTime(time.Unix(31, 0))
	if _, err := p.look(context.Background(), "ns"); err != nil {
		t.Fatal(err)
	}
	if n := len(client.Actions()); n != 2 {
		t.Errorf("%d look-ups after the answer was too old, want 2", n)
	}
}
