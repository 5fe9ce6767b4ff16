package check

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestFinalizers(t *testing.T) {
	for name, good := range map[string]bool{"example.com/hold": true, "orphan": true, "foregroundDeletion": true, "kubernetes": true, "hold": false} {
		errs := Finalizers([]string{name}, field.NewPath("metadata", "finalizers"))
		if (len(errs) == 0) != good {
			t.Errorf("finalizer %s: %v", name, errs)
		}
	}
}
