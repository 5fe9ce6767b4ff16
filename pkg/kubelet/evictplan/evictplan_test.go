package evictplan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// One story, told in steps: what is available, and what follows.
func TestDecideStory(t *testing.T) {
	thresholds, err := Parse(Settings{
		Hard: map[string]string{"memory.available": "100Mi", "nodefs.available": "10%", "pid.available": "0"},
		Soft: map[string]string{"memory.available": "300Mi"}, SoftGrace: map[string]string{"memory.available": "30s"},
		MinReclaim: map[string]string{"nodefs.available": "5%"},
	})
	if err != nil || len(thresholds) != 3 {
		t.Fatalf("%v %v", thresholds, err)
	}
	const mi = 1 << 20
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	var state State
	for _, step := range []struct {
		after        time.Duration
		memory, disk int64 // Mi of 1000, percent
		want         string
	}{
		{0, 500, 50, "{false false false} []"},
		{10 * time.Second, 200, 50, "{true false false} []"},                                           // soft, grace runs
		{30 * time.Second, 200, 50, "{true false false} [soft memory.available]"},                      // grace over
		{10 * time.Second, 50, 50, "{true false false} [hard memory.available soft memory.available]"}, // hard at once
		{10 * time.Second, 500, 50, "{true false false} []"},                                           // condition lasts
		{5 * time.Minute, 500, 9, "{false true false} [hard nodefs.available]"},
		{10 * time.Second, 500, 12, "{false true false} [hard nodefs.available]"}, // above the threshold, below the reclaim
		{10 * time.Second, 500, 16, "{false true false} []"},
		{5 * time.Minute, 500, 12, "{false false false} []"}, // not met anew before 10 percent
	} {
		now = now.Add(step.after)
		var d Decision
		state, d = Decide(state, thresholds, Observation{MemoryAvailable: {step.memory * mi, 1000 * mi}, NodeFsAvailable: {step.disk, 100}}, now, 5*time.Minute)
		var act []string
		for _, a := range d.Act {
			kind := "soft "
			if a.Hard {
				kind = "hard "
			}
			act = append(act, kind+string(a.Signal))
		}
		if got := fmt.Sprintf("%v [%s]", d.Conditions, strings.Join(act, " ")); got != step.want {
			t.Errorf("at %v: got %s, want %s", step, got, step.want)
		}
	}
}

func pod(name string, priority int32, request string) *v1.Pod {
	p := &v1.Pod{}
	p.Name = name
	p.Spec.Priority = &priority
	p.Spec.Containers = []v1.Container{{Name: "c"}}
	if request != "" {
		p.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceMemory: resource.MustParse(request)}
	}
	return p
}

func TestRank(t *testing.T) {
	use := map[string]int64{"within": 90 << 20, "over": 60 << 20, "besteffort": 10 << 20, "important": 500 << 20, "overmore": 160 << 20}
	pods := []*v1.Pod{pod("within", 0, "100Mi"), pod("over", 0, "50Mi"), pod("besteffort", 0, ""), pod("important", 100, ""), pod("overmore", 0, "50Mi")}
	var got []string
	for _, p := range Rank(pods, func(p *v1.Pod) Usage { return Usage{Memory: use[p.Name]} }, MemoryAvailable) {
		got = append(got, p.Name)
	}
	// "over" exceeds by as much as the best-effort pod: they keep their order.
	if want := "overmore over besteffort important within"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestLocal(t *testing.T) {
	p := pod("p", 0, "")
	limit := resource.MustParse("10Mi")
	p.Spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{SizeLimit: &limit}}}}
	if m, over := Local(p, Usage{EmptyDirs: map[string]int64{"v": 11 << 20}}); !over || m != `Usage of EmptyDir volume "v" exceeds the limit "10Mi". ` {
		t.Errorf("%q %v", m, over)
	}
	if _, over := Local(p, Usage{EmptyDirs: map[string]int64{"v": 9 << 20}, Disk: 1 << 30}); over {
		t.Error("a pod without limits was evicted")
	}
	p.Spec.Containers[0].Resources.Limits = v1.ResourceList{v1.ResourceEphemeralStorage: limit}
	if m, over := Local(p, Usage{Disk: 11 << 20}); !over || !strings.HasPrefix(m, "Pod ephemeral local storage usage exceeds") {
		t.Errorf("%q %v", m, over)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, s := range map[string]Settings{
		"unknown signal":     {Hard: map[string]string{"cpu.available": "1"}},
		"bad percentage":     {Hard: map[string]string{"memory.available": "120%"}},
		"bad quantity":       {Hard: map[string]string{"memory.available": "lots"}},
		"soft without grace": {Soft: map[string]string{"memory.available": "1Mi"}},
	} {
		if _, err := Parse(s); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
