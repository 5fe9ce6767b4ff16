package cycle

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts give into testdata")

// TestScripts plays testdata/*.txt: lines that begin with ">" are what came out after the command above them.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t)
			var out strings.Builder
			for _, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
				if strings.HasPrefix(line, ">") {
					continue
				}
				fmt.Fprintln(&out, line)
				if line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				b.log = nil
				b.command(t, strings.Fields(line))
				b.drain(t)
				sort.Strings(b.log)
				for _, one := range b.log {
					fmt.Fprintln(&out, "> "+one)
				}
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if out.String() != string(data) {
				t.Errorf("%s gives something else; run with -rewrite and look at the difference:\n%s", file, out.String())
			}
		})
	}
}

func (b *bench) command(t *testing.T, words []string) {
	t.Helper()
	name := ""
	options := map[string]string{}
	if len(words) > 1 {
		name = words[1]
	}
	for _, word := range words[min(2, len(words)):] {
		key, value, _ := strings.Cut(word, "=")
		options[key] = value
	}
	switch words[0] {
	case "node":
		n := node(name, orDefault(options["cpu"], "4"))
		if zone := options["zone"]; zone != "" {
			n.Labels[v1.LabelTopologyZone] = zone
		}
		if taint := options["taint"]; taint != "" {
			n.Spec.Taints = []v1.Taint{{Key: taint, Effect: v1.TaintEffectNoSchedule}}
		}
		_, n.Spec.Unschedulable = options["cordoned"]
		b.cache.AddNode(n)
		old := b.nodes[name]
		b.nodes[name] = n
		if old == nil {
			b.queue.Move(b.ctx, fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}, nil, n)
			return
		}
		b.queue.Move(b.ctx, fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.UpdateNodeTaint}, old, n)
		b.queue.Move(b.ctx, fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.UpdateNodeAllocatable}, old, n)
	case "pods":
		count, err := strconv.Atoi(orDefault(options["count"], "1"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range count {
			p := pod(name, orDefault(options["cpu"], "1"))
			if count > 1 {
				p.Name = fmt.Sprintf("%s-%d", name, i)
				p.UID = types.UID(p.Name)
			}
			b.dress(p, options)
			b.pods[p.Name] = p
			b.queue.Add(b.ctx, p)
			b.clock.Step(time.Millisecond)
		}
	case "delete":
		p := b.cache.GetPod(b.pods[name].UID)
		if p == nil {
			b.queue.Delete(b.pods[name])
			return
		}
		b.cache.RemovePod(p)
		b.queue.Move(b.ctx, fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete}, p, nil)
	case "wait":
		b.clock.Step(10 * time.Second)
	default:
		t.Fatalf("no command %q", words[0])
	}
}

func (b *bench) dress(p *v1.Pod, options map[string]string) {
	if app := options["app"]; app != "" {
		p.Labels["app"] = app
	}
	term := v1.PodAffinityTerm{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": p.Labels["app"]}}}
	if key, ok := options["apart"]; ok {
		term.TopologyKey = key
		p.Spec.Affinity = &v1.Affinity{PodAntiAffinity: &v1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []v1.PodAffinityTerm{term}}}
	}
	if key, ok := options["together"]; ok {
		term.TopologyKey = key
		p.Spec.Affinity = &v1.Affinity{PodAffinity: &v1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []v1.PodAffinityTerm{term}}}
	}
	if key, ok := options["tolerates"]; ok {
		p.Spec.Tolerations = []v1.Toleration{{Key: key, Operator: v1.TolerationOpExists}}
	}
	if key, ok := options["spread"]; ok {
		p.Spec.TopologySpreadConstraints = []v1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: v1.DoNotSchedule, LabelSelector: term.LabelSelector}}
	}
}

func orDefault(value, standard string) string {
	if value == "" {
		return standard
	}
	return value
}
