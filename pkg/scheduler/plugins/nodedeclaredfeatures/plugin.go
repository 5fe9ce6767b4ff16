// Package nodedeclaredfeatures keeps pods that need a node feature off nodes that do not declare it.
package nodedeclaredfeatures

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "NodeDeclaredFeatures"

// ErrReason is what users see.
const ErrReason = "node(s) didn't match Pod's required features"

const stateKey fwk.StateKey = Name

// apiVersion is the API level pods are judged by.
var apiVersion = version.MustParseSemantic("1.36.0")

// Plugin filters by declared features.
type Plugin struct{ framework *ndf.Framework }

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New makes the plugin.
func New(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	return &Plugin{framework: ndf.DefaultFramework}, nil
}

func (*Plugin) Name() string                                 { return Name }
func (*Plugin) NodeLocal()                                   {}
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

type state struct{ required ndf.FeatureSet }

func (s *state) Clone() fwk.StateData { return s }

func (p *Plugin) required(pod *v1.Pod) (ndf.FeatureSet, error) {
	return p.framework.InferForPodScheduling(&ndf.PodInfo{Spec: &pod.Spec}, apiVersion)
}

// SignPod signs what the pod needs.
func (p *Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	required, err := p.required(pod)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	return []fwk.SignFragment{{Key: fwk.FeaturesSignerName, Value: required.String()}}, nil
}

// PreFilter finds out what the pod needs; nearly always nothing.
func (p *Plugin) PreFilter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	required, err := p.required(pod)
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if required.IsEmpty() {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	cycle.Write(stateKey, &state{required})
	return nil, nil
}

// Filter compares.
func (p *Plugin) Filter(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	result, err := p.framework.MatchNode(data.(*state).required, info.Node())
	if err != nil {
		return fwk.AsStatus(err)
	}
	if !result.IsMatch {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReason)
	}
	return nil
}

// EventsToRegister asks for nodes that declare more.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{
		Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeDeclaredFeature},
	}}, nil
}
