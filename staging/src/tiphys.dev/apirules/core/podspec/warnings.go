package podspec

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"
)

// TemplateWarnings tells of what is allowed in a template but surely not meant.
func TemplateWarnings(template *v1.PodTemplateSpec, path *field.Path) []string {
	return Warnings(&template.Spec, &template.ObjectMeta, path.Child("spec"), path.Child("metadata"))
}

// Warnings tells of what is allowed in a pod but surely not meant: fields on their way out, duplicates that hide each
// other, fractions of bytes, selectors that match nothing.
func Warnings(spec *v1.PodSpec, meta *metav1.ObjectMeta, path, metaPath *field.Path) []string {
	w := &warner{}
	w.nodeLabels(spec, path)
	w.annotations(meta, spec, metaPath.Child("annotations"))
	w.spread(spec, path)
	aliases := sets.New[string]()
	for i, alias := range spec.HostAliases {
		if aliases.Has(alias.IP) {
			w.add("%s: duplicate ip %q", path.Child("hostAliases").Index(i).Child("ip"), alias.IP)
		}
		aliases.Insert(alias.IP)
		w.ip(path.Child("hostAliases").Index(i).Child("ip"), alias.IP)
	}
	if spec.DNSConfig != nil {
		for i, ns := range spec.DNSConfig.Nameservers {
			w.ip(path.Child("dnsConfig", "nameservers").Index(i), ns)
		}
	}
	w.volumes(spec, path.Child("volumes"))
	w.pullSecrets(spec.ImagePullSecrets, path.Child("imagePullSecrets"))
	if amount, ok := spec.Overhead[v1.ResourceMemory]; ok {
		w.wholeBytes(path.Child("overhead").Key("memory"), amount.MilliValue(), amount.String())
	}
	if amount, ok := spec.Overhead[v1.ResourceEphemeralStorage]; ok {
		w.wholeBytes(path.Child("overhead").Key("ephemeral-storage"), amount.MilliValue(), amount.String())
	}
	ports := map[string]*field.Path{}
	eachContainer(spec, path, func(c *v1.Container, at *field.Path) { w.container(c, at, ports) })
	if g := spec.TerminationGracePeriodSeconds; g != nil && *g < 0 {
		w.list = append(w.list, GracePeriodWarning(path))
	}
	w.affinity(spec.Affinity, path.Child("affinity"))
	return w.list
}

// GracePeriodWarning tells what becomes of a grace period below zero.
func GracePeriodWarning(path *field.Path) string {
	return path.Child("terminationGracePeriodSeconds").String() + ": must be >= 0; negative values are invalid and will be treated as 1"
}

type warner struct{ list []string }

func (w *warner) add(format string, args ...any) {
	w.list = append(w.list, fmt.Sprintf(format, args...))
}

func (w *warner) ip(path *field.Path, value string) {
	if netutils.ParseIPSloppy(value) != nil {
		w.list = append(w.list, validation.GetWarningsForIP(path, value)...)
	}
}

func (w *warner) wholeBytes(path *field.Path, milli int64, text string) {
	if milli%1000 != 0 {
		w.add("%s: fractional byte value %q is invalid, must be an integer", path, text)
	}
}

// formerLabels are node labels with a newer name.
var formerLabels = map[string]string{
	"beta.kubernetes.io/arch":                  `deprecated since v1.14; use "kubernetes.io/arch" instead`,
	"beta.kubernetes.io/os":                    `deprecated since v1.14; use "kubernetes.io/os" instead`,
	"failure-domain.beta.kubernetes.io/region": `deprecated since v1.17; use "topology.kubernetes.io/region" instead`,
	"failure-domain.beta.kubernetes.io/zone":   `deprecated since v1.17; use "topology.kubernetes.io/zone" instead`,
	"beta.kubernetes.io/instance-type":         `deprecated since v1.17; use "node.kubernetes.io/instance-type" instead`,
}

func (w *warner) nodeLabels(spec *v1.PodSpec, path *field.Path) {
	for _, key := range sets.List(sets.KeySet(spec.NodeSelector)) {
		if msg, former := formerLabels[key]; former {
			w.add("%s: %s", path.Child("nodeSelector").Key(key), msg)
		}
	}
	if spec.Affinity == nil || spec.Affinity.NodeAffinity == nil {
		return
	}
	at := path.Child("affinity", "nodeAffinity")
	terms := func(t v1.NodeSelectorTerm, p *field.Path) {
		for i, e := range t.MatchExpressions {
			if msg, former := formerLabels[e.Key]; former {
				w.add("%s: %s is %s", p.Child("matchExpressions").Index(i).Child("key"), e.Key, msg)
			}
		}
	}
	if r := spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution; r != nil {
		for i, t := range r.NodeSelectorTerms {
			terms(t, at.Child("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").Index(i))
		}
	}
	for i, t := range spec.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution {
		terms(t.Preference, at.Child("preferredDuringSchedulingIgnoredDuringExecution").Index(i).Child("preference"))
	}
}

func (w *warner) annotations(meta *metav1.ObjectMeta, spec *v1.PodSpec, path *field.Path) {
	if meta == nil {
		return
	}
	for _, key := range sets.List(sets.KeySet(meta.Annotations)) {
		if name, ok := strings.CutPrefix(key, appArmorPrefix); ok {
			replaced := false
			for _, c := range allContainers(spec) {
				replaced = replaced || c.Name == name && c.SecurityContext != nil && c.SecurityContext.AppArmorProfile != nil
			}
			if !replaced {
				w.add(`%s: deprecated since v1.30; use the "appArmorProfile" field instead`, path.Key(key))
			}
		}
		if key == v1.SeccompPodAnnotationKey || strings.HasPrefix(key, v1.SeccompContainerAnnotationKeyPrefix) {
			w.add(`%s: non-functional in v1.27+; use the "seccompProfile" field instead`, path.Key(key))
		}
	}
}

func (w *warner) spread(spec *v1.PodSpec, path *field.Path) {
	for i, c := range spec.TopologySpreadConstraints {
		at := path.Child("topologySpreadConstraints").Index(i)
		if msg, former := formerLabels[c.TopologyKey]; former {
			w.add("%s: %s is %s", at.Child("topologyKey"), c.TopologyKey, msg)
		}
		if c.LabelSelector == nil {
			w.add("%s: a null labelSelector results in matching no pod", at.Child("labelSelector"))
		}
	}
}

func (w *warner) pullSecrets(secrets []v1.LocalObjectReference, path *field.Path) {
	first := map[string]int{}
	for i, s := range secrets {
		if s.Name == "" {
			w.add("%s: invalid empty name %q", path.Index(i).Child("name"), s.Name)
			continue
		}
		if _, twice := first[s.Name]; twice {
			w.add("%s: duplicate name %q", path.Index(i).Child("name"), s.Name)
		} else {
			first[s.Name] = i
		}
	}
}

func (w *warner) volumes(spec *v1.PodSpec, path *field.Path) {
	for i := range spec.Volumes {
		v, at := &spec.Volumes[i], path.Index(i)
		for _, d := range []struct {
			set        bool
			child, msg string
		}{
			{v.PhotonPersistentDisk != nil, "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"},
			{v.GitRepo != nil, "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"},
			{v.ScaleIO != nil, "scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
			{v.Flocker != nil, "flocker", "deprecated in v1.22, non-functional in v1.25+"},
			{v.StorageOS != nil, "storageOS", "deprecated in v1.22, non-functional in v1.25+"},
			{v.Quobyte != nil, "quobyte", "deprecated in v1.22, non-functional in v1.25+"},
			{v.Glusterfs != nil, "glusterfs", "deprecated in v1.25, non-functional in v1.26+"},
			{v.CephFS != nil, "cephfs", "deprecated in v1.28, non-functional in v1.31+"},
			{v.RBD != nil, "rbd", "deprecated in v1.28, non-functional in v1.31+"},
		} {
			if d.set {
				w.add("%s: %s", at.Child(d.child), d.msg)
			}
		}
		w.overlaps(v)
		if e := v.Ephemeral; e != nil && e.VolumeClaimTemplate != nil {
			if amount, ok := e.VolumeClaimTemplate.Spec.Resources.Requests[v1.ResourceStorage]; ok {
				w.wholeBytes(at.Child("ephemeral", "volumeClaimTemplate", "spec", "resources", "requests").Key("storage"), amount.MilliValue(), amount.String())
			}
		}
		if d := v.EmptyDir; d != nil && d.SizeLimit != nil {
			w.wholeBytes(at.Child("emptyDir", "sizeLimit"), d.SizeLimit.MilliValue(), d.SizeLimit.String())
		}
	}
}

func (w *warner) container(c *v1.Container, at *field.Path, ports map[string]*field.Path) {
	for _, list := range []struct {
		child   string
		amounts v1.ResourceList
	}{{"limits", c.Resources.Limits}, {"requests", c.Resources.Requests}} {
		for _, name := range []v1.ResourceName{v1.ResourceMemory, v1.ResourceEphemeralStorage} {
			if amount, ok := list.amounts[name]; ok {
				w.wholeBytes(at.Child("resources", list.child).Key(string(name)), amount.MilliValue(), amount.String())
			}
		}
	}
	names := sets.New[string]()
	for i, e := range c.Env {
		if names.Has(e.Name) && !strings.Contains(e.Value, "$("+e.Name+")") {
			w.add("%s: hides previous definition of %q, which may be dropped when using apply", at.Child("env").Index(i), e.Name)
		}
		names.Insert(e.Name)
	}
	for i, p := range c.Ports {
		key := fmt.Sprintf("%d/%s/%d/%s", p.ContainerPort, p.Protocol, p.HostPort, p.HostIP)
		here := at.Child("ports").Index(i)
		if other, twice := ports[key]; twice {
			w.add("%s: duplicate port definition with %s", here, other)
		} else {
			ports[key] = here
		}
		if p.HostIP != "" {
			w.ip(here.Child("hostIP"), p.HostIP)
		}
	}
}

func (w *warner) affinity(a *v1.Affinity, path *field.Path) {
	if a == nil {
		return
	}
	terms := func(p *field.Path, required []v1.PodAffinityTerm, preferred []v1.WeightedPodAffinityTerm) {
		for i, t := range required {
			if t.LabelSelector == nil {
				w.add("%s: a null labelSelector results in matching no pod", p.Child("requiredDuringSchedulingIgnoredDuringExecution").Index(i).Child("labelSelector"))
			}
		}
		for i, t := range preferred {
			if t.PodAffinityTerm.LabelSelector == nil {
				w.add("%s: a null labelSelector results in matching no pod", p.Child("preferredDuringSchedulingIgnoredDuringExecution").Index(i).Child("podAffinityTerm", "labelSelector"))
			}
		}
	}
	if p := a.PodAffinity; p != nil {
		terms(path.Child("podAffinity"), p.RequiredDuringSchedulingIgnoredDuringExecution, p.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if p := a.PodAntiAffinity; p != nil {
		terms(path.Child("podAntiAffinity"), p.RequiredDuringSchedulingIgnoredDuringExecution, p.PreferredDuringSchedulingIgnoredDuringExecution)
	}
}
