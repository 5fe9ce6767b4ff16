package nodes

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/pkg/allinone/addons"
)

const (
	rollouts = 4
	clients  = 4
)

// timeline is what happened, to be read when something was lost.
type timeline struct {
	mu      sync.Mutex
	entries []string
}

func (l *timeline) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// around returns the entries with the mark and some before and after each.
func (l *timeline) around(mark string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	shown := 0
	for i, e := range l.entries {
		if strings.Contains(e, mark) && i >= shown {
			from := max(shown, i-8)
			shown = min(len(l.entries), i+6)
			out = append(append(out, l.entries[from:shown]...), "")
		}
	}
	return strings.Join(out[:min(len(out), 100)], "\n")
}

// TestRollingUpdate asks a Service without a pause while its Deployment is rolled several times. The program ends at once when
// told to, has no preStop hook and declares no port: what most people write.
func TestRollingUpdate(t *testing.T) {
	w := newWorld(t)
	w.up(1)
	web := w.web()
	w.eventually("the deployment is complete", w.complete)
	service, err := w.client.CoreV1().Services("default").Get(t.Context(), web, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}

	events := &timeline{}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	w.note(ctx, &group, events)

	url := "http://" + at(service.Spec.ClusterIP, 80) + "/health"
	var mu sync.Mutex
	answered, lost := 0, 0
	for range clients {
		group.Go(func() {
			// Each request is a connection of its own, as each of many clients would make.
			client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			for ctx.Err() == nil {
				began := time.Now()
				err := ask(ctx, client, url)
				mu.Lock()
				if err == nil {
					answered++
				} else if ctx.Err() == nil {
					lost++
					events.add("LOST after %v: %v", time.Since(began).Round(time.Millisecond), err)
				}
				mu.Unlock()
			}
		})
	}
	for i := range rollouts {
		patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"round":"%d"}}}}}`, i)
		if _, err := w.client.AppsV1().Deployments("default").Patch(t.Context(), web, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		w.eventually("the rollout is complete", w.complete)
	}
	w.eventually("the last of the old pods are gone", func(ctx context.Context) error {
		pods, err := w.client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
		if err == nil && len(pods.Items) != 3 {
			err = fmt.Errorf("%d pods", len(pods.Items))
		}
		return err
	})
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%d answered, %d lost in %d rollouts", answered, lost, rollouts)
	if lost > 0 || answered == 0 {
		t.Errorf("%d answered, %d lost:\n%s", answered, lost, events.around("LOST"))
	}
}

func ask(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", resp.Status)
	}
	return nil
}

// web makes a Deployment of three and its Service: CoreDNS, which is on every node, answers health checks over HTTP.
func (w *world) web() string {
	w.Helper()
	meta := metav1.ObjectMeta{Name: "web", Labels: map[string]string{"app": "web"}}
	config := &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"Corefile": fmt.Sprintf(".:5353 {\n  health :%d\n}\n", port)}}
	probe := &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/health", Port: intstr.FromInt32(port)}}}
	deployment := &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To[int32](3),
		Selector: &metav1.LabelSelector{MatchLabels: meta.Labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: meta.Labels},
			Spec: corev1.PodSpec{
				Containers: []corev1.Container{{
					Name: "web", Image: addons.CoreDNSImage, ImagePullPolicy: corev1.PullNever, Args: []string{"-conf", "/etc/web/Corefile"},
					ReadinessProbe: probe, VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/web"}},
				}},
				Volumes: []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{
					ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "web"}}}}},
			},
		},
	}}
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		Selector: meta.Labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(port)}}}}
	if _, err := w.client.CoreV1().ConfigMaps("default").Create(w.Context(), config, metav1.CreateOptions{}); err != nil {
		w.Fatal(err)
	}
	if _, err := w.client.AppsV1().Deployments("default").Create(w.Context(), deployment, metav1.CreateOptions{}); err != nil {
		w.Fatal(err)
	}
	if _, err := w.client.CoreV1().Services("default").Create(w.Context(), service, metav1.CreateOptions{}); err != nil {
		w.Fatal(err)
	}
	return meta.Name
}

// complete says what the Deployment still lacks.
func (w *world) complete(ctx context.Context) error {
	d, err := w.client.AppsV1().Deployments("default").Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return err
	}
	s := d.Status
	if s.ObservedGeneration < d.Generation || s.UpdatedReplicas != 3 || s.Replicas != 3 || s.AvailableReplicas != 3 {
		return fmt.Errorf("%+v", s)
	}
	return nil
}

// note writes the changes of pods and endpoints into the timeline.
func (w *world) note(ctx context.Context, group *sync.WaitGroup, events *timeline) {
	w.Helper()
	pods, err := w.client.CoreV1().Pods("default").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		w.Fatal(err)
	}
	slices, err := w.client.DiscoveryV1().EndpointSlices("default").Watch(ctx, metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil {
		w.Fatal(err)
	}
	follow := func(changes watch.Interface, describe func(any) string) {
		group.Go(func() {
			defer changes.Stop()
			for e := range changes.ResultChan() {
				events.add("%s %s", e.Type, describe(e.Object))
			}
		})
	}
	follow(pods, func(o any) string {
		pod, ok := o.(*corev1.Pod)
		if !ok {
			return fmt.Sprint(o)
		}
		state := ""
		for _, c := range pod.Status.ContainerStatuses {
			if t := c.State.Terminated; t != nil {
				state += fmt.Sprintf(" ended %s", t.FinishedAt)
			}
			state += fmt.Sprintf(" ready=%t", c.Ready)
		}
		return fmt.Sprintf("pod %s %s %s deleted=%t%s", pod.Name, pod.Status.PodIP, pod.Status.Phase, pod.DeletionTimestamp != nil, state)
	})
	follow(slices, func(o any) string {
		slice, ok := o.(*discovery.EndpointSlice)
		if !ok {
			return fmt.Sprint(o)
		}
		out := "endpoints"
		for _, e := range slice.Endpoints {
			c := e.Conditions
			out += fmt.Sprintf(" %s ready=%t serving=%t terminating=%t;", net.JoinHostPort(e.Addresses[0], ""), *c.Ready, *c.Serving, *c.Terminating)
		}
		return out
	})
}
