package limitranger

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// annotation tells what the plugin has set.
const annotation = "kubernetes.io/limit-ranger"

// setDefaults gives every container what the range has for those that do not say.
func setDefaults(r *corev1.LimitRange, pod *corev1.Pod) {
	requests, limits := corev1.ResourceList{}, corev1.ResourceList{}
	for _, item := range r.Spec.Limits {
		if item.Type == corev1.LimitTypeContainer {
			maps.Copy(requests, item.DefaultRequest)
			maps.Copy(limits, item.Default)
		}
	}
	var notes []string
	for _, part := range []struct {
		name       string
		containers []corev1.Container
	}{{"container", pod.Spec.Containers}, {"init container", pod.Spec.InitContainers}} {
		for i := range part.containers {
			c := &part.containers[i]
			notes = append(notes, fill(&c.Resources.Requests, requests, "request for "+part.name+" "+c.Name)...)
			notes = append(notes, fill(&c.Resources.Limits, limits, "limit for "+part.name+" "+c.Name)...)
		}
	}
	if len(notes) == 0 {
		return
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[annotation] = "LimitRanger plugin set: " + strings.Join(notes, "; ")
}

// fill adds the missing defaults and returns the note about them.
func fill(list *corev1.ResourceList, defaults corev1.ResourceList, what string) []string {
	// Always a list, as upstream leaves it: clients see {} and not nothing.
	if *list == nil {
		*list = corev1.ResourceList{}
	}
	var set []string
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		if _, has := (*list)[name]; !has {
			(*list)[name] = defaults[name].DeepCopy()
			set = append(set, string(name))
		}
	}
	if len(set) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s %s", strings.Join(set, ", "), what)}
}
