package features

import (
	"fmt"

	"k8s.io/component-base/featuregate"
	logsapi "k8s.io/component-base/logs/api/v1"
)

// Register adds to the gate every feature that no library has registered already.
func Register(gate featuregate.MutableVersionedFeatureGate) error {
	if _, known := gate.GetAll()[logsapi.ContextualLogging]; !known {
		if err := logsapi.AddFeatureGates(gate); err != nil {
			return fmt.Errorf("registering the feature gates of logging: %w", err)
		}
	}
	known := gate.GetAll()
	missing := map[featuregate.Feature]featuregate.FeatureSpec{}
	for name, spec := range gates {
		if _, ok := known[name]; !ok {
			missing[name] = spec
		}
	}
	if len(missing) == 0 {
		return nil // a second command in one process: the gate takes no more names then
	}
	if err := gate.Add(missing); err != nil {
		return fmt.Errorf("registering feature gates: %w", err)
	}
	return nil
}
