package podtolerationrestriction

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
)

const (
	// defaultsAnnotation and whitelistAnnotation of a namespace hold JSON lists of tolerations.
	defaultsAnnotation  = "scheduler.alpha.kubernetes.io/defaultTolerations"
	whitelistAnnotation = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"
)

// annotated reads a list; ok is false when the namespace does not say.
func annotated(ns *corev1.Namespace, key string) (list []corev1.Toleration, ok bool, err error) {
	text, ok := ns.Annotations[key]
	if !ok || text == "" {
		return nil, ok, nil
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		// Handed out as it is: the user reads it, and upstream says no more.
		return nil, true, err
	}
	return list, true, nil
}

// merge puts the lists together, without those that another of them covers.
func merge(lists ...[]corev1.Toleration) []corev1.Toleration {
	var all []corev1.Toleration
	for _, l := range lists {
		all = append(all, l...)
	}
	var merged []corev1.Toleration
next:
	for i, t := range all {
		for j, other := range all {
			// Of two that cover each other the first stays.
			if i != j && covers(other, t) && (j < i || !covers(t, other)) {
				continue next
			}
		}
		merged = append(merged, t)
	}
	return merged
}

// within tells whether each toleration is covered by one of the whitelist. An empty whitelist covers all.
func within(list, whitelist []corev1.Toleration) bool {
	if len(whitelist) == 0 {
		return true
	}
next:
	for _, t := range list {
		for _, w := range whitelist {
			if covers(w, t) {
				continue next
			}
		}
		return false
	}
	return true
}

// covers tells whether the wide toleration bears every taint that the narrow one bears, for as long.
func covers(wide, narrow corev1.Toleration) bool {
	if apiequality.Semantic.DeepEqual(wide, narrow) {
		return true
	}
	if wide.Key != narrow.Key && (wide.Key != "" || wide.Operator != corev1.TolerationOpExists) {
		return false
	}
	if wide.Effect != narrow.Effect && wide.Effect != "" {
		return false
	}
	if wide.Effect == corev1.TaintEffectNoExecute && wide.TolerationSeconds != nil &&
		(narrow.TolerationSeconds == nil || *narrow.TolerationSeconds > *wide.TolerationSeconds) {
		return false
	}
	switch wide.Operator {
	case corev1.TolerationOpEqual, "":
		return narrow.Operator != corev1.TolerationOpExists && wide.Value == narrow.Value
	case corev1.TolerationOpExists:
		return true
	}
	return false
}
