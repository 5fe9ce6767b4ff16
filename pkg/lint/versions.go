package lint

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"tiphys.dev/apirules"
)

// The release whose API this is.
const (
	major = 1
	minor = 36
)

// What the published types say of their own lives.
type (
	deprecated interface {
		APILifecycleDeprecated() (major, minor int)
	}
	removed interface {
		APILifecycleRemoved() (major, minor int)
	}
	replaced interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}
)

// deprecation is the warning that a server gives with every answer about a kind it will drop.
func deprecation(obj runtime.Object, gvk schema.GroupVersionKind) string {
	d, ok := obj.(deprecated)
	if !ok {
		return ""
	}
	since, sinceMinor := d.APILifecycleDeprecated()
	if since == 0 || since > major || since == major && sinceMinor > minor {
		return ""
	}
	text := fmt.Sprintf("%s %s is deprecated in v%d.%d+", gvk.GroupVersion(), gvk.Kind, since, sinceMinor)
	if r, ok := obj.(removed); ok {
		if a, b := r.APILifecycleRemoved(); a != 0 {
			text += fmt.Sprintf(", unavailable in v%d.%d+", a, b)
		}
	}
	if r, ok := obj.(replaced); ok {
		if by := r.APILifecycleReplacement(); !by.Empty() {
			text += fmt.Sprintf("; use %s %s", by.GroupVersion(), by.Kind)
		}
	}
	return text
}

// noMatch words that no server of this version has the kind, as kubectl does, and what to do where that is known. defined are
// the versions that a definition in the input serves.
func noMatch(gvk schema.GroupVersionKind, defined []string) string {
	text := fmt.Sprintf("no matches for kind %q in version %q", gvk.Kind, gvk.GroupVersion())
	if len(defined) > 0 {
		return text + ": its CustomResourceDefinition serves " + strings.Join(defined, ", ")
	}
	if obj, err := scheme.Scheme.New(gvk); err == nil {
		if r, ok := obj.(removed); ok {
			if a, b := r.APILifecycleRemoved(); a == major && b <= minor {
				text += fmt.Sprintf(": removed in v%d.%d", a, b)
			}
		}
		if r, ok := obj.(replaced); ok {
			if by := r.APILifecycleReplacement(); !by.Empty() {
				return text + fmt.Sprintf("; use %s %s", by.GroupVersion(), by.Kind)
			}
		}
	}
	for _, k := range apirules.Kinds() {
		if k.Kind == gvk.Kind && k.Group == gvk.Group {
			return text + fmt.Sprintf("; use %s %s", k.GroupVersion(), k.Kind)
		}
	}
	for _, k := range apirules.Kinds() {
		if k.Kind == gvk.Kind {
			return text + fmt.Sprintf("; is %s %s meant?", k.GroupVersion(), k.Kind)
		}
	}
	return text + ": it is no standard kind, and no CustomResourceDefinition here defines it"
}
