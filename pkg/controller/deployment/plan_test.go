package deployment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// replicaSet of a certain age: wanted and available replicas, and the size its deployment may have had at most.
func replicaSet(name string, age int, wanted, available, most int32) *appsv1.ReplicaSet {
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(time.Unix(int64(1000-age), 0))}}
	rs.Spec.Replicas = &wanted
	rs.Status.Replicas, rs.Status.AvailableReplicas = wanted, available
	if most > 0 {
		rs.Annotations = withSizes(nil, most-1, most)
	}
	return rs
}

func rollingDeployment(n int32, surge, unavailable string) *appsv1.Deployment {
	d := &appsv1.Deployment{}
	d.Spec.Replicas = &n
	s, u := intstr.Parse(surge), intstr.Parse(unavailable)
	d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType,
		RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &s, MaxUnavailable: &u}}
	return d
}

func show(plan []scaling) string {
	var parts []string
	for _, s := range plan {
		parts = append(parts, fmt.Sprintf("%s:%d", s.set.Name, s.to))
	}
	return strings.Join(parts, " ")
}

func TestPlanRolling(t *testing.T) {
	for _, c := range []struct {
		name   string
		d      *appsv1.Deployment
		newSet *appsv1.ReplicaSet
		old    []*appsv1.ReplicaSet
		want   string
	}{
		{"first pods within the surge", rollingDeployment(4, "1", "0"), replicaSet("new", 0, 0, 0, 0), []*appsv1.ReplicaSet{replicaSet("old", 9, 4, 4, 0)}, "new:1"},
		{"wait for the new pod", rollingDeployment(4, "1", "0"), replicaSet("new", 0, 1, 0, 0), []*appsv1.ReplicaSet{replicaSet("old", 9, 4, 4, 0)}, ""},
		{"new pod available: an old one goes", rollingDeployment(4, "1", "0"), replicaSet("new", 0, 1, 1, 0), []*appsv1.ReplicaSet{replicaSet("old", 9, 4, 4, 0)}, "old:3"},
		{"without surge old pods go first", rollingDeployment(4, "0", "1"), replicaSet("new", 0, 0, 0, 0), []*appsv1.ReplicaSet{replicaSet("old", 9, 4, 4, 0)}, "old:3"},
		{"broken old pods go, oldest set first", rollingDeployment(4, "0", "2"), replicaSet("new", 0, 0, 0, 0),
			[]*appsv1.ReplicaSet{replicaSet("mid", 5, 2, 2, 0), replicaSet("old", 9, 2, 0, 0)}, "old:0"},
		{"too many new ones", rollingDeployment(2, "1", "0"), replicaSet("new", 0, 5, 5, 0), nil, "new:2"},
		{"done", rollingDeployment(3, "1", "1"), replicaSet("new", 0, 3, 3, 0), []*appsv1.ReplicaSet{replicaSet("old", 9, 0, 0, 0)}, ""},
		{"percentages that round to nothing", rollingDeployment(1, "0%", "25%"), replicaSet("new", 0, 0, 0, 0), []*appsv1.ReplicaSet{replicaSet("old", 9, 1, 1, 0)}, "old:0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(planRolling(limitsOf(c.d), c.newSet, c.old)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestPlanScale(t *testing.T) {
	for _, c := range []struct {
		name   string
		d      *appsv1.Deployment
		newSet *appsv1.ReplicaSet
		old    []*appsv1.ReplicaSet
		want   string
	}{
		{"one live set gets the size", rollingDeployment(7, "0", "1"), replicaSet("new", 0, 3, 3, 3), nil, "new:7"},
		{"in proportion when growing", rollingDeployment(20, "0", "1"), replicaSet("new", 0, 5, 0, 10), []*appsv1.ReplicaSet{replicaSet("old", 9, 5, 5, 10)}, "new:10 old:10"},
		{"in proportion when shrinking", rollingDeployment(5, "0", "1"), replicaSet("new", 0, 2, 0, 10), []*appsv1.ReplicaSet{replicaSet("old", 9, 8, 8, 10)}, "old:4 new:1"},
		{"the rest goes to the largest", rollingDeployment(11, "0", "1"), replicaSet("new", 0, 4, 0, 10), []*appsv1.ReplicaSet{replicaSet("old", 9, 6, 6, 10)}, "old:7 new:4"},
		{"to nothing", rollingDeployment(0, "1", "0"), replicaSet("new", 0, 2, 0, 5), []*appsv1.ReplicaSet{replicaSet("old", 9, 3, 3, 5)}, "old:0 new:0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(planScale(c.d, c.newSet, c.old)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
