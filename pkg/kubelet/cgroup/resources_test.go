package cgroup

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

func container(requests, limits map[v1.ResourceName]string) v1.Container {
	list := func(in map[v1.ResourceName]string) v1.ResourceList {
		out := v1.ResourceList{}
		for name, q := range in {
			out[name] = resource.MustParse(q)
		}
		return out
	}
	return v1.Container{Resources: v1.ResourceRequirements{Requests: list(requests), Limits: list(limits)}}
}

func TestResourcesFor(t *testing.T) {
	opts := Options{CPUCFSQuota: true, CPUCFSQuotaPeriod: DefaultPeriod}
	for name, tc := range map[string]struct {
		containers []v1.Container
		opts       Options
		want       *Resources
	}{
		"best effort gets the smallest weight": {
			containers: []v1.Container{{}}, opts: opts,
			want: &Resources{CPUShares: ptr.To[uint64](2)},
		},
		"guaranteed is bounded": {
			containers: []v1.Container{container(map[v1.ResourceName]string{"cpu": "500m", "memory": "64Mi"}, map[v1.ResourceName]string{"cpu": "500m", "memory": "64Mi"})}, opts: opts,
			want: &Resources{CPUShares: ptr.To[uint64](512), CPUQuota: ptr.To[int64](50000), CPUPeriod: ptr.To[uint64](100000), Memory: ptr.To[int64](64 << 20)},
		},
		"one container without limits leaves the pod unbounded": {
			containers: []v1.Container{
				container(map[v1.ResourceName]string{"cpu": "100m"}, map[v1.ResourceName]string{"cpu": "1", "memory": "64Mi"}),
				container(map[v1.ResourceName]string{"cpu": "100m"}, nil)}, opts: opts,
			want: &Resources{CPUShares: ptr.To[uint64](204)},
		},
		"limits of both add up, cpu alone bounded": {
			containers: []v1.Container{
				container(map[v1.ResourceName]string{"cpu": "100m"}, map[v1.ResourceName]string{"cpu": "1"}),
				container(map[v1.ResourceName]string{"cpu": "100m"}, map[v1.ResourceName]string{"cpu": "1"})}, opts: opts,
			want: &Resources{CPUShares: ptr.To[uint64](204), CPUQuota: ptr.To[int64](200000), CPUPeriod: ptr.To[uint64](100000)},
		},
		"no quota when the node does not throttle": {
			containers: []v1.Container{container(map[v1.ResourceName]string{"cpu": "1"}, map[v1.ResourceName]string{"cpu": "1"})},
			opts:       Options{CPUCFSQuotaPeriod: DefaultPeriod},
			want:       &Resources{CPUShares: ptr.To[uint64](1024), CPUQuota: ptr.To(Unlimited), CPUPeriod: ptr.To[uint64](100000)},
		},
		"huge pages not asked for are none, pids bounded": {
			containers: []v1.Container{container(map[v1.ResourceName]string{"memory": "1Mi"}, map[v1.ResourceName]string{"hugepages-2Mi": "4Mi"})},
			opts:       Options{CPUCFSQuota: true, CPUCFSQuotaPeriod: DefaultPeriod, PodPidsLimit: 100, HugePageSizes: []string{"2MB", "1GB"}},
			want:       &Resources{CPUShares: ptr.To[uint64](2), Pids: ptr.To[int64](100), HugePages: map[string]int64{"2MB": 4 << 20, "1GB": 0}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := ResourcesFor(&v1.Pod{Spec: v1.PodSpec{Containers: tc.containers}}, tc.opts)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("unexpected resources (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConversions(t *testing.T) {
	for shares, weight := range map[uint64]uint64{0: 0, 2: 1, 1024: 100, 262144: 10000, 512: 59, 102: 17} {
		if got := WeightOf(shares); got != weight {
			t.Errorf("WeightOf(%d) = %d, want %d", shares, got, weight)
		}
	}
	if got := QuotaOf(1, DefaultPeriod); got != 1000 {
		t.Errorf("tiny limits must reach the kernel's least quota, got %d", got)
	}
	if got := QuotaOf(250, 10*time.Millisecond); got != 2500 {
		t.Errorf("QuotaOf(250m, 10ms) = %d", got)
	}
}

func TestNames(t *testing.T) {
	n := parseName("/tiphys-a").child("kubepods", "burstable", "podaa-bb")
	if got, want := n.cgroupfs(), "/tiphys-a/kubepods/burstable/podaa-bb"; got != want {
		t.Errorf("cgroupfs: %s, want %s", got, want)
	}
	if got, want := parseName("/").child("kubepods", "burstable", "podaa-bb").systemd(), "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podaa_bb.slice"; got != want {
		t.Errorf("systemd: %s, want %s", got, want)
	}
	for dir, uid := range map[string]string{"podaa-bb": "aa-bb", "kubepods-burstable-podaa_bb.slice": "aa-bb", "burstable": "", "kubepods-burstable.slice": "", "pod": ""} {
		if got, ok := uidOf(dir); string(got) != uid && ok {
			t.Errorf("uidOf(%s) = %q %v, want %q", dir, got, ok, uid)
		}
	}
}
