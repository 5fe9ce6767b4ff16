package daemonset

import (
	"maps"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
)

// templateGeneration counts the changes of the template. The field for it is gone from the API; clients of old still find
// the number in an annotation, which is the server's: what users write there does not count.
func templateGeneration(o *appsv1.DaemonSet) int64 {
	n, err := strconv.ParseInt(o.Annotations[appsv1.DeprecatedTemplateGeneration], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func setTemplateGeneration(o *appsv1.DaemonSet, n int64) {
	// The map may be shared with the stored object.
	annotations := maps.Clone(o.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[appsv1.DeprecatedTemplateGeneration] = strconv.FormatInt(n, 10)
	o.Annotations = annotations
}
