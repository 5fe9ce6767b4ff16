package noderestriction

import corev1 "k8s.io/api/core/v1"

// refersTo names the first kind of object that the pod makes readable for its node, or nothing.
func refersTo(pod *corev1.Pod) string {
	if pod.Spec.ServiceAccountName != "" {
		return "a service account"
	}
	if len(pod.Spec.ImagePullSecrets) > 0 {
		return "secrets"
	}
	found := map[string]bool{}
	environment(pod, found)
	for i := range pod.Spec.Volumes {
		if what := volume(&pod.Spec.Volumes[i], found); what != "" {
			found[what] = true
		}
	}
	if len(pod.Spec.ResourceClaims) > 0 {
		found["resourceclaims"] = true
	}
	for _, what := range inOrder {
		if found[what] {
			return what
		}
	}
	return ""
}

const (
	byEphemeral = "persistentvolumeclaims (via ephemeral volumes)"
	byCSI       = "csidrivers (via CSI volumes)"
)

// inOrder says which kind is complained about first.
var inOrder = []string{"secrets", "configmaps", "persistentvolumeclaims", byEphemeral, byCSI, "clustertrustbundles",
	"serviceaccount tokens", "podcertificates", "resourceclaims"}

func environment(pod *corev1.Pod, found map[string]bool) {
	see := func(env []corev1.EnvVar, from []corev1.EnvFromSource) {
		for _, e := range env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				found["secrets"] = true
			}
			if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
				found["configmaps"] = true
			}
		}
		for _, f := range from {
			if f.SecretRef != nil {
				found["secrets"] = true
			}
			if f.ConfigMapRef != nil {
				found["configmaps"] = true
			}
		}
	}
	for _, c := range pod.Spec.InitContainers {
		see(c.Env, c.EnvFrom)
	}
	for _, c := range pod.Spec.Containers {
		see(c.Env, c.EnvFrom)
	}
	for _, c := range pod.Spec.EphemeralContainers {
		see(c.Env, c.EnvFrom)
	}
}

// volume returns what a volume of one source refers to; projected volumes add to found what their parts refer to.
func volume(v *corev1.Volume, found map[string]bool) string {
	switch {
	case v.ConfigMap != nil:
		return "configmaps"
	case v.PersistentVolumeClaim != nil:
		return "persistentvolumeclaims"
	case v.Ephemeral != nil:
		return byEphemeral
	case v.CSI != nil:
		return byCSI
	case v.Projected != nil:
		for _, s := range v.Projected.Sources {
			projected(&s, found)
		}
		return ""
	case refersToSecret(v):
		return "secrets"
	}
	return ""
}

func projected(s *corev1.VolumeProjection, found map[string]bool) {
	for what, is := range map[string]bool{
		"secrets": s.Secret != nil, "configmaps": s.ConfigMap != nil, "clustertrustbundles": s.ClusterTrustBundle != nil,
		"serviceaccount tokens": s.ServiceAccountToken != nil, "podcertificates": s.PodCertificate != nil,
	} {
		if is {
			found[what] = true
		}
	}
}

func refersToSecret(v *corev1.Volume) bool {
	return v.Secret != nil ||
		v.AzureFile != nil ||
		v.CephFS != nil && v.CephFS.SecretRef != nil ||
		v.Cinder != nil && v.Cinder.SecretRef != nil ||
		v.FlexVolume != nil && v.FlexVolume.SecretRef != nil ||
		v.RBD != nil && v.RBD.SecretRef != nil ||
		v.ScaleIO != nil && v.ScaleIO.SecretRef != nil ||
		v.ISCSI != nil && v.ISCSI.SecretRef != nil ||
		v.StorageOS != nil && v.StorageOS.SecretRef != nil
}
