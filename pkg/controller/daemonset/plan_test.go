package daemonset

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// TestRoll writes pods as node:template:state, for example "n1:old:ready".
func TestRoll(t *testing.T) {
	now := metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for _, tc := range []struct {
		name               string
		surge, unavailable int
		pods               string
		want               string // what is created (+node) and deleted (-pod)
	}{
		{"no surge: one at a time", 0, 1, "n1:old:ready n2:old:ready n3:old:ready", "-n1:old:ready"},
		{"no surge: waits for the replacement", 0, 1, "n1:new:waiting n2:old:ready n3:old:ready", ""},
		{"no surge: next", 0, 1, "n1:new:ready n2:old:ready n3:old:ready", "-n2:old:ready"},
		{"no surge: broken ones at once", 0, 1, "n1:old:waiting n2:old:waiting n3:old:ready", "-n1:old:waiting -n2:old:waiting"},
		{"surge: beside the old one", 1, 0, "n1:old:ready n2:old:ready n3:old:ready", "+n1"},
		{"surge: both run until the new one is available", 1, 0, "n1:old:ready n1:new:waiting n2:old:ready n3:old:ready", ""},
		{"surge: then the old one goes and the next node begins", 1, 0, "n1:old:ready n1:new:ready n2:old:ready n3:old:ready", "+n2 -n1:old:ready"},
		{"surge: an old one that is not ready is no loss", 1, 0, "n1:old:waiting n1:new:waiting n2:new:ready n3:new:ready", "-n1:old:waiting"},
		{"surge of two", 2, 0, "n1:old:ready n2:old:ready n3:old:ready", "+n1 +n2"},
		{"a node without a pod", 1, 0, "n1:new:ready n3:new:ready", "+n2"},
	} {
		ds := &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType,
			RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxSurge: at(tc.surge), MaxUnavailable: at(tc.unavailable)}}}}
		w := &world{ds: ds, places: map[string]placement{}, byNode: map[string][]*v1.Pod{}, hash: "new", now: now}
		for i := range 3 {
			name := fmt.Sprintf("n%d", i+1)
			w.nodes = append(w.nodes, &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}})
			w.places[name] = placement{run: true, stay: true}
		}
		for text := range strings.FieldsSeq(tc.pods) {
			part := strings.Split(text, ":")
			p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: text, Labels: map[string]string{appsv1.ControllerRevisionHashLabelKey: part[1]}}, Spec: v1.PodSpec{NodeName: part[0]}}
			if part[2] == "ready" {
				p.Status.Conditions = []v1.PodCondition{{Type: v1.PodReady, Status: v1.ConditionTrue, LastTransitionTime: now}}
			}
			w.byNode[part[0]] = append(w.byNode[part[0]], p)
		}
		p := w.decide()
		var got []string
		for _, n := range p.create {
			got = append(got, "+"+n)
		}
		for _, d := range p.delete {
			got = append(got, "-"+d.Name)
		}
		slices.Sort(got)
		if text := strings.Join(got, " "); text != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, text, tc.want)
		}
	}
}

func at(n int) *intstr.IntOrString {
	v := intstr.FromInt32(int32(n))
	return &v
}
