package features

import (
	"testing"

	"k8s.io/component-base/featuregate"
)

// A second command of one process finds the gates registered and closed.
func TestRegisterTwice(t *testing.T) {
	gate := featuregate.NewFeatureGate()
	for range 2 {
		if err := Register(gate); err != nil {
			t.Fatal(err)
		}
	}
	for name, spec := range gates {
		if _, known := gate.GetAll()[name]; !known {
			t.Errorf("%s is not known", name)
		} else if spec.PreRelease == featuregate.Alpha && gate.Enabled(name) {
			t.Errorf("%s is alpha and on", name)
		}
	}
}
