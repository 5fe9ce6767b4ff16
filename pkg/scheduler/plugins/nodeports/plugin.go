// Package nodeports keeps pods apart that want the same port of a node.
package nodeports

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
)

// Name is the plugin's name in configurations.
const Name = "NodePorts"

// ErrReason is what users see.
const ErrReason = "node(s) didn't have free ports for the requested pod ports"

const stateKey fwk.StateKey = Name

// Plugin filters by host ports.
type Plugin struct{}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
)

// New makes the plugin.
func New(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return &Plugin{}, nil }

func (*Plugin) Name() string                                 { return Name }
func (*Plugin) NodeLocal()                                   {}
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// SignPod signs protocol, address and number of every port: the published signer knows numbers only, which would take
// pods for equal that are not.
func (*Plugin) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	var ports []string
	for _, port := range portsOf(pod) {
		ports = append(ports, fmt.Sprintf("%s/%s/%d", port.Protocol, port.HostIP, port.HostPort))
	}
	return []fwk.SignFragment{{Key: fwk.HostPortsSignerName, Value: ports}}, nil
}

type state []v1.ContainerPort

func (s state) Clone() fwk.StateData { return s }

func portsOf(pod *v1.Pod) state {
	var ports state
	cache.HostPorts(pod, func(port *v1.ContainerPort) { ports = append(ports, *port) })
	return ports
}

// PreFilter collects the ports; most pods have none.
func (*Plugin) PreFilter(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	ports := portsOf(pod)
	if len(ports) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	cycle.Write(stateKey, ports)
	return nil, nil
}

// Filter refuses nodes where a port is taken.
func (*Plugin) Filter(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	if conflicts(data.(state), info.GetUsedPorts()) {
		return fwk.NewStatus(fwk.Unschedulable, ErrReason)
	}
	return nil
}

func conflicts(ports state, used fwk.HostPortInfo) bool {
	if len(used) == 0 {
		return false
	}
	for i := range ports {
		if used.CheckConflict(ports[i].HostIP, string(ports[i].Protocol), ports[i].HostPort) {
			return true
		}
	}
	return false
}

// EventsToRegister asks for pods that free a port, and for new nodes.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{
		Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete},
		QueueingHintFn: func(_ klog.Logger, pod *v1.Pod, old, _ any) (fwk.QueueingHint, error) {
			gone, ok := old.(*v1.Pod)
			if !ok {
				return fwk.Queue, fmt.Errorf("expected a pod, got %T", old)
			}
			freed := fwk.HostPortInfo{}
			cache.HostPorts(gone, func(port *v1.ContainerPort) { freed.Add(port.HostIP, string(port.Protocol), port.HostPort) })
			if gone.Spec.NodeName != "" && conflicts(portsOf(pod), freed) {
				return fwk.Queue, nil
			}
			return fwk.QueueSkip, nil
		},
	}, {
		Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add},
	}}, nil
}
