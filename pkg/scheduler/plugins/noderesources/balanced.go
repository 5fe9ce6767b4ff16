package noderesources

import (
	"context"
	"fmt"
	"math"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// BalancedName is the plugin's name in configurations.
const BalancedName = "NodeResourcesBalancedAllocation"

const balancedKey fwk.StateKey = "PreScore" + BalancedName

// Balanced scores by evenness.
type Balanced struct{ resources []v1.ResourceName }

var (
	_ fwk.PreScorePlugin = &Balanced{}
	_ fwk.ScorePlugin    = &Balanced{}
	_ fwk.SignPlugin     = &Balanced{}
)

// NewBalanced makes the plugin.
func NewBalanced(_ context.Context, object runtime.Object, _ fwk.Handle) (fwk.Plugin, error) {
	args, ok := object.(*configv1.NodeResourcesBalancedAllocationArgs)
	if !ok {
		return nil, fmt.Errorf("want args of type NodeResourcesBalancedAllocationArgs, got %T", object)
	}
	b := &Balanced{}
	for _, spec := range args.Resources {
		b.resources = append(b.resources, v1.ResourceName(spec.Name))
	}
	return b, nil
}

func (*Balanced) Name() string                         { return BalancedName }
func (*Balanced) NodeLocal()                           {}
func (*Balanced) ScoreExtensions() fwk.ScoreExtensions { return nil }

// SignPod signs what Fit signs.
func (*Balanced) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.ResourcesSignerName, Value: signRequest(pod)}}, nil
}

// PreScore skips pods that ask for nothing: they unbalance nothing.
func (*Balanced) PreScore(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	if isBestEffort(pod) {
		return fwk.NewStatus(fwk.Skip)
	}
	cycle.Write(balancedKey, requestOf(pod))
	return nil
}

// Score is high when all resources would be used to the same degree.
func (b *Balanced) Score(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	data, err := cycle.Read(balancedKey)
	if err != nil {
		return 0, fwk.AsStatus(fmt.Errorf("reading %s: %w", balancedKey, err))
	}
	var buffer [4]float64
	fractions := buffer[:0]
	for _, name := range b.resources {
		if allocatable, requested, ok := usage(data.(*request), info, name, false); ok {
			fractions = append(fractions, min(1, float64(requested)/float64(allocatable)))
		}
	}
	return int64((1 - deviation(fractions)) * float64(fwk.MaxNodeScore)), nil
}

// deviation is the standard deviation.
func deviation(fractions []float64) float64 {
	if len(fractions) == 2 {
		return math.Abs(fractions[0]-fractions[1]) / 2
	}
	if len(fractions) < 2 {
		return 0
	}
	mean := 0.0
	for _, f := range fractions {
		mean += f / float64(len(fractions))
	}
	sum := 0.0
	for _, f := range fractions {
		sum += (f - mean) * (f - mean)
	}
	return math.Sqrt(sum / float64(len(fractions)))
}
