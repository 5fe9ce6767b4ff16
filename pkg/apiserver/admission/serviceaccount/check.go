package serviceaccount

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/admission"
)

// checkMirror refuses mirror pods that would give a kubelet what no pod of its own was given.
func checkMirror(a admission.Attributes, pod *corev1.Pod) error {
	if pod.Spec.ServiceAccountName != "" {
		return admission.NewForbidden(a, fmt.Errorf("a mirror pod may not reference service accounts"))
	}
	for _, v := range pod.Spec.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ServiceAccountToken != nil {
				return admission.NewForbidden(a, fmt.Errorf("a mirror pod may not use ServiceAccountToken volume projections"))
			}
		}
	}
	if usesSecret(pod, func(string) bool { return true }) != "" {
		return admission.NewForbidden(a, fmt.Errorf("a mirror pod may not reference secrets"))
	}
	return nil
}

// checkSecrets refuses secrets that the account does not list.
func checkSecrets(a admission.Attributes, sa *corev1.ServiceAccount, pod *corev1.Pod) error {
	mountable, pullable := map[string]bool{}, map[string]bool{}
	for _, s := range sa.Secrets {
		mountable[s.Name] = true
	}
	for _, s := range sa.ImagePullSecrets {
		pullable[s.Name] = true
	}
	unlisted := func(name string) bool { return !mountable[name] }
	if name := usesSecret(pod, unlisted); name != "" {
		return admission.NewForbidden(a, fmt.Errorf("secret %q is not allowed because service account %s does not reference that secret", name, sa.Name))
	}
	for i, s := range pod.Spec.ImagePullSecrets {
		if !pullable[s.Name] {
			return admission.NewForbidden(a, fmt.Errorf(`imagePullSecrets[%d].name="%s" is not allowed because service account %s does not reference that imagePullSecret`, i, s.Name, sa.Name))
		}
	}
	return nil
}

func (p *Plugin) checkEphemeral(ctx context.Context, a admission.Attributes, pod *corev1.Pod) error {
	sa, err := p.account(ctx, a.GetNamespace(), pod.Spec.ServiceAccountName)
	if err != nil {
		return refused(a, pod, err)
	}
	if sa.Annotations[enforceAnnotation] != "true" {
		return nil
	}
	return checkSecrets(a, sa, pod)
}

// usesSecret returns the first secret of the pod for which match holds.
func usesSecret(pod *corev1.Pod, match func(string) bool) string {
	found := ""
	see := func(name string) {
		if found == "" && name != "" && match(name) {
			found = name
		}
	}
	for _, v := range pod.Spec.Volumes {
		if v.Secret != nil {
			see(v.Secret.SecretName)
		}
		if v.Projected != nil {
			for _, s := range v.Projected.Sources {
				if s.Secret != nil {
					see(s.Secret.Name)
				}
			}
		}
	}
	env := func(list []corev1.EnvVar, from []corev1.EnvFromSource) {
		for _, e := range list {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				see(e.ValueFrom.SecretKeyRef.Name)
			}
		}
		for _, f := range from {
			if f.SecretRef != nil {
				see(f.SecretRef.Name)
			}
		}
	}
	for _, c := range pod.Spec.InitContainers {
		env(c.Env, c.EnvFrom)
	}
	for _, c := range pod.Spec.Containers {
		env(c.Env, c.EnvFrom)
	}
	for _, c := range pod.Spec.EphemeralContainers {
		env(c.Env, c.EnvFrom)
	}
	return found
}
