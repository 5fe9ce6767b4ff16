package statefulset

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/controller/podcontrol"
)

// ordinalOf returns the pod's ordinal when its name is one of the set's, else -1.
func ordinalOf(set *appsv1.StatefulSet, pod string) int32 {
	text, ok := strings.CutPrefix(pod, set.Name+"-")
	if !ok {
		return -1
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return -1
	}
	return int32(n)
}

func podName(set *appsv1.StatefulSet, ordinal int32) string {
	return set.Name + "-" + strconv.Itoa(int(ordinal))
}

func first(set *appsv1.StatefulSet) int32 {
	if set.Spec.Ordinals != nil {
		return set.Spec.Ordinals.Start
	}
	return 0
}

func replicas(set *appsv1.StatefulSet) int32 {
	if set.Spec.Replicas == nil {
		return 1
	}
	return *set.Spec.Replicas
}

// newPod is the pod of an ordinal, from the template of a revision.
func newPod(set *appsv1.StatefulSet, t *v1.PodTemplateSpec, ordinal int32, revision string) *v1.Pod {
	p := podcontrol.FromTemplate(t, set, metav1.NewControllerRef(set, GVK))
	p.GenerateName, p.Name = "", podName(set, ordinal)
	p.Spec.Hostname, p.Spec.Subdomain = p.Name, set.Spec.ServiceName
	p.Labels = identityLabels(p.Labels, p.Name, ordinal)
	p.Labels[appsv1.ControllerRevisionHashLabelKey] = revision
	var volumes []v1.Volume
	for i := range set.Spec.VolumeClaimTemplates {
		name := set.Spec.VolumeClaimTemplates[i].Name
		volumes = append(volumes, v1.Volume{Name: name, VolumeSource: v1.VolumeSource{
			PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: claimName(set, i, ordinal)},
		}})
	}
	for _, v := range p.Spec.Volumes { // the set's claims take the place of volumes of the same name
		if !slices.ContainsFunc(volumes, func(o v1.Volume) bool { return o.Name == v.Name }) {
			volumes = append(volumes, v)
		}
	}
	p.Spec.Volumes = volumes
	return p
}

func identityLabels(in map[string]string, name string, ordinal int32) map[string]string {
	out := maps.Clone(in)
	if out == nil {
		out = map[string]string{}
	}
	out[appsv1.StatefulSetPodNameLabel] = name
	out[appsv1.PodIndexLabel] = strconv.Itoa(int(ordinal))
	return out
}

func hasIdentity(p *v1.Pod) bool { return p.Labels[appsv1.StatefulSetPodNameLabel] == p.Name }

func claimName(set *appsv1.StatefulSet, template int, ordinal int32) string {
	return set.Spec.VolumeClaimTemplates[template].Name + "-" + podName(set, ordinal)
}

func revisionOf(p *v1.Pod) string { return p.Labels[appsv1.ControllerRevisionHashLabelKey] }
