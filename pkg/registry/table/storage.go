package table

import (
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
)

var accessModes = []struct {
	mode  v1.PersistentVolumeAccessMode
	short string
}{
	{v1.ReadWriteOnce, "RWO"}, {v1.ReadOnlyMany, "ROX"}, {v1.ReadWriteMany, "RWX"}, {v1.ReadWriteOncePod, "RWOP"},
}

// AccessModes prints access modes as "RWO,ROX".
func AccessModes(modes []v1.PersistentVolumeAccessMode) string {
	var out []string
	for _, m := range accessModes {
		if slices.Contains(modes, m.mode) {
			out = append(out, m.short)
		}
	}
	return strings.Join(out, ",")
}

// OrUnset prints a missing text as <unset>.
func OrUnset(s *string) string {
	if s == nil {
		return "<unset>"
	}
	return *s
}
