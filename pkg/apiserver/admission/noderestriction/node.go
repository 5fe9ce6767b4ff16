package noderestriction

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission"
)

func nodeObject(r *request) error {
	node, ok := r.GetObject().(*corev1.Node)
	if !ok && r.GetOperation() != admission.Delete {
		return r.unexpected()
	}
	name := r.GetName()
	if ok && r.GetOperation() == admission.Create {
		name = node.Name
	}
	if name != r.node {
		return r.refuse("node %q is not allowed to modify node %q", r.node, name)
	}
	switch r.GetOperation() {
	case admission.Create:
		// It decides which pods and secrets the node may see, so a node must not choose it.
		if node.Spec.ConfigSource != nil {
			return r.refuse("node %q is not allowed to create a node with a non-nil configSource", r.node)
		}
		if bad := forbidden(changed(nil, node.Labels)); len(bad) > 0 {
			return r.refuse("node %q is not allowed to set the following labels: %s", r.node, strings.Join(bad, ", "))
		}
	case admission.Update:
		old, ok := r.GetOldObject().(*corev1.Node)
		if !ok {
			return r.unexpected()
		}
		return nodeUpdate(r, node, old)
	}
	return nil
}

func nodeUpdate(r *request, node, old *corev1.Node) error {
	switch {
	case !apiequality.Semantic.DeepEqual(node.OwnerReferences, old.OwnerReferences):
		// An owner that does not exist would have the garbage collector delete the node, which a node may not do itself.
		return r.refuse("node %q is not allowed to modify ownerReferences", r.node)
	case node.Spec.ConfigSource != nil && !apiequality.Semantic.DeepEqual(node.Spec.ConfigSource, old.Spec.ConfigSource):
		return r.refuse("node %q is not allowed to update configSource to a new non-nil configSource", r.node)
	case !apiequality.Semantic.DeepEqual(node.Spec.Taints, old.Spec.Taints):
		return r.refuse("node %q is not allowed to modify taints", r.node)
	}
	if bad := forbidden(changed(old.Labels, node.Labels)); len(bad) > 0 {
		return r.refuse("is not allowed to modify labels: %s", strings.Join(bad, ", "))
	}
	return nil
}

// changed returns the keys that were added, removed or given another value.
func changed(from, to map[string]string) []string {
	var keys []string
	for k, v := range to {
		if was, ok := from[k]; !ok || was != v {
			keys = append(keys, k)
		}
	}
	for k := range from {
		if _, ok := to[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// ownLabels are those of Kubernetes that a kubelet sets.
var ownLabels = sets.New(
	corev1.LabelHostname, corev1.LabelOSStable, corev1.LabelArchStable, "beta.kubernetes.io/os", "beta.kubernetes.io/arch",
	corev1.LabelInstanceType, corev1.LabelInstanceTypeStable,
	corev1.LabelFailureDomainBetaZone, corev1.LabelFailureDomainBetaRegion, corev1.LabelTopologyZone, corev1.LabelTopologyRegion,
)

// forbidden keeps the keys that a kubelet must not touch: those that isolate workloads from nodes, and those of Kubernetes it
// has no part in. Labels of other names are free.
func forbidden(keys []string) []string {
	var bad []string
	for _, k := range keys {
		domain, _, prefixed := strings.Cut(k, "/")
		if !prefixed {
			continue
		}
		kubernetes := within(domain, "kubernetes.io") || within(domain, "k8s.io")
		own := ownLabels.Has(k) || within(domain, "kubelet.kubernetes.io") || within(domain, "node.kubernetes.io")
		if within(domain, corev1.LabelNamespaceNodeRestriction) || kubernetes && !own {
			bad = append(bad, k)
		}
	}
	return bad
}

func within(domain, of string) bool { return domain == of || strings.HasSuffix(domain, "."+of) }
