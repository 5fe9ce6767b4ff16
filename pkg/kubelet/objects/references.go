package objects

import v1 "k8s.io/api/core/v1"

type kind int

const (
	configMap kind = iota
	secret
)

type key struct {
	kind            kind
	namespace, name string
}

// references lists the objects that the pod's spec names.
func references(pod *v1.Pod) map[key]bool {
	refs := map[key]bool{}
	add := func(k kind, name string) {
		if name != "" {
			refs[key{k, pod.Namespace, name}] = true
		}
	}
	for _, s := range pod.Spec.ImagePullSecrets {
		add(secret, s.Name)
	}
	for i := range pod.Spec.InitContainers {
		environment(pod.Spec.InitContainers[i].EnvFrom, pod.Spec.InitContainers[i].Env, add)
	}
	for i := range pod.Spec.Containers {
		environment(pod.Spec.Containers[i].EnvFrom, pod.Spec.Containers[i].Env, add)
	}
	for i := range pod.Spec.EphemeralContainers {
		environment(pod.Spec.EphemeralContainers[i].EnvFrom, pod.Spec.EphemeralContainers[i].Env, add)
	}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.ConfigMap != nil {
			add(configMap, v.ConfigMap.Name)
		}
		if v.Secret != nil {
			add(secret, v.Secret.SecretName)
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				add(configMap, s.ConfigMap.Name)
			}
			if s.Secret != nil {
				add(secret, s.Secret.Name)
			}
		}
	}
	return refs
}

func environment(from []v1.EnvFromSource, env []v1.EnvVar, add func(kind, string)) {
	for _, f := range from {
		if f.ConfigMapRef != nil {
			add(configMap, f.ConfigMapRef.Name)
		}
		if f.SecretRef != nil {
			add(secret, f.SecretRef.Name)
		}
	}
	for _, e := range env {
		if e.ValueFrom == nil {
			continue
		}
		if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
			add(configMap, r.Name)
		}
		if r := e.ValueFrom.SecretKeyRef; r != nil {
			add(secret, r.Name)
		}
	}
}
