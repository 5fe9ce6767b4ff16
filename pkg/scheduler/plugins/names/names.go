// Package names lists the default plugins in order, without importing them, for configuration.
package names

// Enabled is a plugin that is on by default; a weight of 0 means the plugin does not score.
type Enabled struct {
	Name   string
	Weight int32
}

// Default returns the plugins on by default, in the order they run.
func Default() []Enabled {
	return []Enabled{
		{"SchedulingGates", 0},
		{"PrioritySort", 0},
		{"NodeUnschedulable", 0},
		{"NodeName", 0},
		{"TaintToleration", 3},
		{"NodeAffinity", 2},
		{"NodePorts", 0},
		{"NodeResourcesFit", 1},
		{"VolumeRestrictions", 0},
		{"NodeVolumeLimits", 0},
		{"VolumeBinding", 0},
		{"VolumeZone", 0},
		{"PodTopologySpread", 2},
		{"InterPodAffinity", 2},
		{"DynamicResources", 2},
		{"DefaultPreemption", 0},
		{"NodeResourcesBalancedAllocation", 1},
		{"ImageLocality", 1},
		{"DefaultBinder", 0},
		{"NodeDeclaredFeatures", 0},
	}
}
