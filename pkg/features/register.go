package features

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/component-base/featuregate"
	logsapi "k8s.io/component-base/logs/api/v1"
)

// release is the one whose gates these are.
const release = "1.36"

// Register adds to the gate every feature that no library has registered already.
func Register(gate featuregate.MutableVersionedFeatureGate) error {
	if _, known := gate.GetAll()[logsapi.ContextualLogging]; !known {
		if err := logsapi.AddFeatureGates(gate); err != nil {
			return fmt.Errorf("registering the feature gates of logging: %w", err)
		}
	}
	known := gate.GetAll()
	missing := map[featuregate.Feature]featuregate.VersionedSpecs{}
	for name, specs := range gates {
		if _, ok := known[name]; !ok {
			missing[name] = specs
		}
	}
	if len(missing) == 0 {
		return nil // a second command in one process: the gate takes no more names then
	}
	if err := gate.AddVersioned(missing); err != nil {
		return fmt.Errorf("registering feature gates: %w", err)
	}
	// The gate keeps the map and sorts the lists.
	own := map[featuregate.Feature][]featuregate.Feature{}
	for name, needs := range dependencies {
		own[name] = slices.Clone(needs)
	}
	if err := gate.AddDependencies(own); err != nil {
		return fmt.Errorf("registering what features depend on: %w", err)
	}
	return nil
}

// Validate reports what cannot be set: names that there are not, features that cannot be turned, and those that need others which are off. It is
// for commands that ask no gate of the process.
func Validate(set map[string]bool) error {
	gate := featuregate.NewVersionedFeatureGate(version.MustParse(release))
	if err := Register(gate); err != nil {
		return err
	}
	if err := gate.SetFromMap(set); err != nil {
		return err
	}
	return errors.Join(gate.Validate()...)
}

// read are the gates that the project's own code asks; those of the libraries are asked by the libraries.
var read = map[featuregate.Feature]bool{
	"ClusterTrustBundle":         true, // pkg/registry
	"NodeDeclaredFeatures":       true, // pkg/apiserver/admission/nodedeclaredfeatures
	"PodLogsQuerySplitStreams":   true, // pkg/registry/core/pod
	"PodTopologyLabelsAdmission": true, // pkg/apiserver/admission/podtopologylabels
	"StorageVersionMigrator":     true, // pkg/registry
}

// Unread are the gates that somebody has turned away from their default though nobody asks them: what they are for is there, or is not,
// whatever they say. libraries are the gates that were known before Register.
func Unread(gate featuregate.MutableVersionedFeatureGate, libraries map[featuregate.Feature]featuregate.FeatureSpec) []string {
	var out []string
	for name, spec := range gate.GetAll() {
		_, library := libraries[name]
		_, ours := gates[name]
		if ours && !library && !read[name] && gate.Enabled(name) != spec.Default {
			out = append(out, string(name))
		}
	}
	slices.Sort(out)
	return out
}
