package plugins

import (
	"tiphys.dev/tiphys/pkg/scheduler/plugins/defaultbinder"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/imagelocality"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/nodeaffinity"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/nodename"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/nodeports"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/noderesources"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/nodeunschedulable"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/prioritysort"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/schedulinggates"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/tainttoleration"
	"tiphys.dev/tiphys/pkg/scheduler/profile"
)

// Table makes every plugin by name. Which are on by default, in what order and with what weight is in names/names.go.
func Table(*Shared) profile.Registry {
	return profile.Registry{
		schedulinggates.Name:       schedulinggates.New,
		prioritysort.Name:          prioritysort.New,
		nodeunschedulable.Name:     nodeunschedulable.New,
		nodename.Name:              nodename.New,
		tainttoleration.Name:       tainttoleration.New,
		nodeaffinity.Name:          nodeaffinity.New,
		nodeports.Name:             nodeports.New,
		noderesources.FitName:      noderesources.NewFit,
		noderesources.BalancedName: noderesources.NewBalanced,
		imagelocality.Name:         imagelocality.New,
		defaultbinder.Name:         defaultbinder.New,
	}
}
