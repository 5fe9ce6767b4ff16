package podtopologyspread

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// Name is the plugin's name in configurations.
const Name = "PodTopologySpread"

// What users see.
const (
	ErrReasonSkew  = "node(s) didn't match pod topology spread constraints"
	ErrReasonLabel = ErrReasonSkew + " (missing required label)"
)

// systemDefaults spread the pods of a service or workload a little when nobody asked for it.
var systemDefaults = []v1.TopologySpreadConstraint{
	{TopologyKey: v1.LabelHostname, WhenUnsatisfiable: v1.ScheduleAnyway, MaxSkew: 3},
	{TopologyKey: v1.LabelTopologyZone, WhenUnsatisfiable: v1.ScheduleAnyway, MaxSkew: 5},
}

// Plugin filters and scores by skew.
type Plugin struct {
	snapshot *cache.Snapshot
	defaults []v1.TopologySpreadConstraint
	system   bool
	owners   owners
}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.PreScorePlugin    = &Plugin{}
	_ fwk.ScorePlugin       = &Plugin{}
	_ fwk.ScoreExtensions   = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New makes the plugin.
func New(_ context.Context, object runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	args, ok := object.(*configv1.PodTopologySpreadArgs)
	if !ok {
		return nil, fmt.Errorf("want args of type PodTopologySpreadArgs, got %T", object)
	}
	snapshot, ok := handle.SnapshotSharedLister().(*cache.Snapshot)
	if !ok {
		return nil, fmt.Errorf("%s needs the indexed snapshot, got %T", Name, handle.SnapshotSharedLister())
	}
	p := &Plugin{snapshot: snapshot, defaults: args.DefaultConstraints}
	if args.DefaultingType == configv1.SystemDefaulting {
		p.defaults, p.system = systemDefaults, true
	}
	if len(p.defaults) > 0 {
		if handle.SharedInformerFactory() == nil {
			return nil, fmt.Errorf("default constraints need informers")
		}
		p.owners = newOwners(handle.SharedInformerFactory())
	}
	return p, nil
}

func (*Plugin) Name() string                           { return Name }
func (p *Plugin) ScoreExtensions() fwk.ScoreExtensions { return p }

// SignPod refuses pods that are spread: where one goes changes where the next may.
func (p *Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	for _, action := range []v1.UnsatisfiableConstraintAction{v1.DoNotSchedule, v1.ScheduleAnyway} {
		constraints, err := p.constraints(pod, action)
		if err != nil {
			return nil, fwk.AsStatus(err)
		}
		if len(constraints) > 0 {
			return nil, fwk.NewStatus(fwk.Unschedulable, "pods with topology spread constraints can't be signed")
		}
	}
	return nil, nil
}

// newOwners asks for the informers of what pods may belong to.
func newOwners(f informers.SharedInformerFactory) owners {
	return owners{
		services: f.Core().V1().Services().Lister(), controllers: f.Core().V1().ReplicationControllers().Lister(),
		replicaSets: f.Apps().V1().ReplicaSets().Lister(), statefulSets: f.Apps().V1().StatefulSets().Lister(),
	}
}
