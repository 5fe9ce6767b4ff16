package admit

import (
	"fmt"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func pod(name, cpu string, change ...func(*v1.Pod)) *v1.Pod {
	p := &v1.Pod{}
	p.Name = name
	p.Spec.Containers = []v1.Container{{Name: "c"}}
	if cpu != "" {
		p.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu)}
	}
	for _, f := range change {
		f(p)
	}
	return p
}

func priority(n int32) func(*v1.Pod) { return func(p *v1.Pod) { p.Spec.Priority = &n } }

func hostPortOf(ip string, port int32) func(*v1.Pod) {
	return func(p *v1.Pod) { p.Spec.Containers[0].Ports = []v1.ContainerPort{{HostIP: ip, HostPort: port}} }
}

func TestAdmit(t *testing.T) {
	node := &v1.Node{Spec: v1.NodeSpec{Taints: []v1.Taint{{Key: "out", Effect: v1.TaintEffectNoExecute}, {Key: "soft", Effect: v1.TaintEffectNoSchedule}}}}
	node.Name = "n"
	node.Labels = map[string]string{"zone": "a"}
	node.Status.Allocatable = v1.ResourceList{v1.ResourceCPU: resource.MustParse("2"), v1.ResourcePods: resource.MustParse("4")}
	tolerates := func(p *v1.Pod) {
		p.Spec.Tolerations = []v1.Toleration{{Key: "out", Operator: v1.TolerationOpExists}}
	}
	sysctl := func(name string) func(*v1.Pod) {
		return func(p *v1.Pod) {
			p.Spec.SecurityContext = &v1.PodSecurityContext{Sysctls: []v1.Sysctl{{Name: name, Value: "1"}}}
		}
	}
	for name, tc := range map[string]struct {
		pod    *v1.Pod
		active []*v1.Pod
		opts   Options
		want   string
	}{
		"fits":                  {pod: pod("p", "2", tolerates), want: "admit"},
		"too much cpu":          {pod: pod("p", "1500m", tolerates), active: []*v1.Pod{pod("o", "1")}, want: "OutOfcpu: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000"},
		"too many pods":         {pod: pod("p", "", tolerates), active: []*v1.Pod{pod("1", ""), pod("2", ""), pod("3", ""), pod("4", "")}, want: "OutOfpods: Node didn't have enough resource: pods, requested: 1, used: 4, capacity: 4"},
		"selector":              {pod: pod("p", "", tolerates, func(p *v1.Pod) { p.Spec.NodeSelector = map[string]string{"zone": "b"} }), want: "NodeAffinity: Predicate NodeAffinity failed"},
		"taint":                 {pod: pod("p", ""), want: "TaintToleration: Predicate TaintToleration failed"},
		"static pods ignore it": {pod: pod("p", ""), opts: Options{Static: true}, want: "admit"},
		"port taken":            {pod: pod("p", "", tolerates, hostPortOf("", 80)), active: []*v1.Pod{pod("o", "", hostPortOf("127.0.0.1", 80))}, want: "NodePorts: "},
		"same port, other ip":   {pod: pod("p", "", tolerates, hostPortOf("127.0.0.2", 80)), active: []*v1.Pod{pod("o", "", hostPortOf("127.0.0.1", 80))}, want: "admit"},
		"safe sysctl":           {pod: pod("p", "", tolerates, sysctl("net.ipv4.tcp_syncookies")), want: "admit"},
		"unsafe sysctl":         {pod: pod("p", "", tolerates, sysctl("kernel.msgmax")), want: `SysctlForbidden: forbidden sysctl: "kernel.msgmax" not allowlisted`},
		"allowed unsafe sysctl": {pod: pod("p", "", tolerates, sysctl("kernel/msgmax")), opts: Options{AllowedUnsafeSysctls: []string{"kernel.msg*"}}, want: "admit"},
		"sysctl of the host":    {pod: pod("p", "", tolerates, sysctl("net.ipv4.tcp_syncookies"), func(p *v1.Pod) { p.Spec.HostNetwork = true }), want: "SysctlForbidden: forbidden sysctl: \"net.ipv4.tcp_syncookies\" not allowed with host net enabled"},
		"other system":          {pod: pod("p", "", tolerates, func(p *v1.Pod) { p.Spec.OS = &v1.PodOS{Name: v1.Windows} }), want: "PodOSNotSupported: "},
		"apparmor without it": {pod: pod("p", "", tolerates, func(p *v1.Pod) {
			p.Spec.SecurityContext = &v1.PodSecurityContext{AppArmorProfile: &v1.AppArmorProfile{Type: v1.AppArmorProfileTypeRuntimeDefault}}
		}), want: "AppArmor: Cannot enforce AppArmor"},
		"critical preempts":       {pod: pod("p", "1", tolerates, priority(systemCritical)), active: []*v1.Pod{pod("small", "200m"), pod("big", "1500m"), pod("none", "")}, want: "admit preempting [big]"},
		"critical, but no room":   {pod: pod("p", "3", tolerates, priority(systemCritical)), active: []*v1.Pod{pod("small", "200m")}, want: "OutOfcpu: "},
		"critical among critical": {pod: pod("p", "1", tolerates, priority(systemCritical)), active: []*v1.Pod{pod("c", "1500m", priority(systemCritical))}, want: "OutOfcpu: "},
	} {
		t.Run(name, func(t *testing.T) {
			d := Admit(tc.pod, node, tc.active, tc.opts)
			got := d.Reason + ": " + d.Message
			if d.Admit {
				got = "admit"
				if len(d.Preempt) > 0 {
					var names []string
					for _, p := range d.Preempt {
						names = append(names, p.Name)
					}
					got += fmt.Sprintf(" preempting %v", names)
				}
			}
			if !strings.HasPrefix(got, tc.want) || tc.want == "admit" && got != "admit" {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
	if reason, _ := CheckResize(pod("p", "3"), node, nil); reason != v1.PodReasonInfeasible {
		t.Errorf("resize: %s", reason)
	}
	if reason, _ := CheckResize(pod("p", "1500m"), node, []*v1.Pod{pod("o", "1")}); reason != v1.PodReasonDeferred {
		t.Errorf("resize: %s", reason)
	}
}
