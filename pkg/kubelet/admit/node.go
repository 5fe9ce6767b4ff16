package admit

import (
	v1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

func operatingSystem(pod *v1.Pod, _ *v1.Node, _ []*v1.Pod, opts Options) (string, string) {
	if want, ok := pod.Spec.NodeSelector[v1.LabelOSStable]; ok && want != opts.OS {
		return "PodOSSelectorNodeLabelDoesNotMatch", "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
	}
	if pod.Spec.OS != nil && string(pod.Spec.OS.Name) != opts.OS {
		return "PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"
	}
	return "", ""
}

func nodeName(pod *v1.Pod, node *v1.Node, _ []*v1.Pod, _ Options) (string, string) {
	if pod.Spec.NodeName != "" && pod.Spec.NodeName != node.Name {
		return "NodeName", "Predicate NodeName failed: node(s) didn't match the requested node name"
	}
	return "", ""
}

func affinity(pod *v1.Pod, node *v1.Node, _ []*v1.Pod, _ Options) (string, string) {
	if ok, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node); err != nil || !ok {
		return "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
	}
	return "", ""
}

// taints looks only at NoExecute: those that keep pods from being scheduled have done their work elsewhere.
func taints(pod *v1.Pod, node *v1.Node, _ []*v1.Pod, opts Options) (string, string) {
	if opts.Static {
		return "", ""
	}
	_, untolerated := corev1helpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, pod.Spec.Tolerations,
		func(t *v1.Taint) bool { return t.Effect == v1.TaintEffectNoExecute }, true)
	if untolerated {
		return "TaintToleration", "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
	}
	return "", ""
}

type hostPort struct {
	ip, protocol string
	port         int32
}

func ports(pod *v1.Pod, _ *v1.Node, active []*v1.Pod, _ Options) (string, string) {
	wanted := hostPorts(pod)
	if len(wanted) == 0 {
		return "", ""
	}
	for _, other := range active {
		for _, taken := range hostPorts(other) {
			for _, w := range wanted {
				if w.port == taken.port && w.protocol == taken.protocol && (w.ip == taken.ip || w.ip == anyIP || taken.ip == anyIP) {
					return "NodePorts", "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
				}
			}
		}
	}
	return "", ""
}

const anyIP = "0.0.0.0"

func hostPorts(pod *v1.Pod) []hostPort {
	var out []hostPort
	add := func(list []v1.Container) {
		for i := range list {
			for _, p := range list[i].Ports {
				if p.HostPort <= 0 {
					continue
				}
				hp := hostPort{ip: p.HostIP, protocol: string(p.Protocol), port: p.HostPort}
				if hp.ip == "" || hp.ip == "::" {
					hp.ip = anyIP
				}
				if hp.protocol == "" {
					hp.protocol = string(v1.ProtocolTCP)
				}
				out = append(out, hp)
			}
		}
	}
	add(pod.Spec.Containers)
	for i := range pod.Spec.InitContainers {
		// Only sidecars hold their ports while the pod runs.
		if p := pod.Spec.InitContainers[i].RestartPolicy; p != nil && *p == v1.ContainerRestartPolicyAlways {
			add(pod.Spec.InitContainers[i : i+1])
		}
	}
	return out
}
