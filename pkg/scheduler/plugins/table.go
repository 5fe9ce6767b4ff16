package plugins

import (
	"tiphys.dev/tiphys/pkg/scheduler/plugins/defaultbinder"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/defaultpreemption"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/dynamicresources"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/imagelocality"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/interpodaffinity"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/nodeaffinity"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/nodedeclaredfeatures"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/nodename"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/nodeports"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/noderesources"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/nodeunschedulable"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/nodevolumelimits"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/podtopologyspread"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/prioritysort"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/schedulinggates"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/tainttoleration"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/volumebinding"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/volumerestrictions"
	"tiphys.dev/tiphys/pkg/scheduler/plugins/volumezone"
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
		volumerestrictions.Name:    volumerestrictions.New,
		nodevolumelimits.Name:      nodevolumelimits.New,
		volumebinding.Name:         volumebinding.New,
		volumezone.Name:            volumezone.New,
		podtopologyspread.Name:     podtopologyspread.New,
		interpodaffinity.Name:      interpodaffinity.New,
		dynamicresources.Name:      dynamicresources.New,
		defaultpreemption.Name:     defaultpreemption.New,
		defaultbinder.Name:         defaultbinder.New,
		nodedeclaredfeatures.Name:  nodedeclaredfeatures.New,
	}
}
