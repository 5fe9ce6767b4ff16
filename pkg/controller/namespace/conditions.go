package namespace

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// conditions describes the findings, keeping times of conditions that stay as they are.
func (f *findings) conditions(old []v1.NamespaceCondition, now metav1.Time) []v1.NamespaceCondition {
	out := slices.Clone(old)
	put := func(kind v1.NamespaceConditionType, bad bool, reasons [2]string, message string, good string) {
		c := v1.NamespaceCondition{Type: kind, Status: v1.ConditionFalse, Reason: reasons[0], Message: good}
		if bad {
			c.Status, c.Reason, c.Message = v1.ConditionTrue, reasons[1], message
		}
		out = set(out, c, now)
	}
	put(v1.NamespaceDeletionDiscoveryFailure, len(f.discovery) > 0, [2]string{"ResourcesDiscovered", "DiscoveryFailed"},
		"Discovery failed for some groups, "+text(f.discovery), "All resources successfully discovered")
	put(v1.NamespaceDeletionGVParsingFailure, false, [2]string{"ParsedGroupVersions", "GroupVersionParsingFailed"},
		"", "All legacy kube types successfully parsed")
	put(v1.NamespaceDeletionContentFailure, len(f.content) > 0, [2]string{"ContentDeleted", "ContentDeletionFailed"},
		"Failed to delete all resource types, "+text(f.content), "All content successfully deleted, may be waiting on finalization")
	put(v1.NamespaceContentRemaining, len(f.remaining) > 0, [2]string{"ContentRemoved", "SomeResourcesRemain"},
		"Some resources are remaining: "+counts(f.remaining, "%s has %d resource instances"), "All content successfully removed")
	put(v1.NamespaceFinalizersRemaining, len(f.finalizers) > 0, [2]string{"ContentHasNoFinalizers", "SomeFinalizersRemain"},
		"Some content in the namespace has finalizers remaining: "+counts(f.finalizers, "%s in %d resource instances"), "All content-preserving finalizers finished")
	return out
}

func set(all []v1.NamespaceCondition, c v1.NamespaceCondition, now metav1.Time) []v1.NamespaceCondition {
	c.LastTransitionTime = now
	for i := range all {
		if all[i].Type != c.Type {
			continue
		}
		if all[i].Status == c.Status {
			c.LastTransitionTime = all[i].LastTransitionTime
		}
		all[i] = c
		return all
	}
	return append(all, c)
}

func text(errs []error) string {
	lines := make([]string, len(errs))
	for i, e := range errs {
		lines[i] = e.Error()
	}
	slices.Sort(lines) // the same failures must not look like news because of their order
	return fmt.Sprintf("%d remaining: ", len(lines)) + strings.Join(lines, ", ")
}

func counts(n map[string]int, format string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf(format, k, n[k]))
	}
	return strings.Join(parts, ", ")
}
