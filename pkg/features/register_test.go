package features

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
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
	for name, specs := range gates {
		if _, known := gate.GetAll()[name]; !known {
			t.Errorf("%s is not known", name)
		} else if specs[len(specs)-1].PreRelease == featuregate.Alpha && gate.Enabled(name) {
			t.Errorf("%s is alpha and on", name)
		}
	}
}

// People still set gates that have gone GA, and a server must start with them.
func TestGatesByRelease(t *testing.T) {
	for _, tc := range []struct {
		release, set string
		refused      bool
	}{
		{"1.36", "InPlacePodVerticalScaling=true", false},
		{"1.36", "InPlacePodVerticalScaling=false", true}, // locked
		{"1.33", "InPlacePodVerticalScaling=false", false},
		{"1.36", "GenericWorkload=true", false},
		{"1.34", "GenericWorkload=true", true}, // not known yet
		{"1.36", "AllowDNSOnlyNodeCSR=true", false},
		{"1.36", "NoSuchGate=true", true},
	} {
		gate := featuregate.NewVersionedFeatureGate(version.MustParse("1.36"))
		if err := Register(gate); err != nil {
			t.Fatal(err)
		}
		if err := gate.SetEmulationVersion(version.MustParse(tc.release)); err != nil {
			t.Fatal(err)
		}
		if err := gate.Set(tc.set); (err != nil) != tc.refused {
			t.Errorf("%s in %s: %v", tc.set, tc.release, err)
		}
	}
}

func TestUnread(t *testing.T) {
	gate := featuregate.NewVersionedFeatureGate(version.MustParse("1.36"))
	if err := Register(gate); err != nil {
		t.Fatal(err)
	}
	libraries := map[featuregate.Feature]featuregate.FeatureSpec{"WatchList": {}}
	if err := gate.Set("WatchList=false,PodTopologyLabelsAdmission=false,AllowDNSOnlyNodeCSR=true,InPlacePodVerticalScaling=true"); err != nil {
		t.Fatal(err)
	}
	if got := Unread(gate, libraries); !slices.Equal(got, []string{"AllowDNSOnlyNodeCSR"}) {
		t.Errorf("nobody asks %v", got)
	}
}

func TestDependencies(t *testing.T) {
	for _, tc := range []struct {
		set  map[string]bool
		says string
	}{
		{map[string]bool{"GangScheduling": true}, "GangScheduling is enabled, but depends on features that are disabled: [GenericWorkload]"},
		{map[string]bool{"GangScheduling": true, "GenericWorkload": true}, ""},
		{map[string]bool{"GracefulNodeShutdown": false}, "GracefulNodeShutdownBasedOnPodPriority is enabled, but depends on features that are disabled: [GracefulNodeShutdown]"},
		{map[string]bool{"AllBeta": false}, ""},
		{map[string]bool{"AllAlpha": true, "AllBeta": true}, ""},
		{map[string]bool{"AllAlpha": true, "AllBeta": true, "AtomicFIFO": false}, "StaleControllerConsistencyDaemonSet is enabled"},
		{map[string]bool{"NoSuchGate": true}, "unrecognized feature gate: NoSuchGate"},
		{map[string]bool{"InPlacePodVerticalScaling": false}, "feature is locked to true"},
	} {
		err := Validate(tc.set)
		if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%v: %v", tc.set, err)
		}
	}
}
