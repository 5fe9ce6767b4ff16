// Package prioritysort puts pods of higher priority first, among equals the one that waits longest.
package prioritysort

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "PrioritySort"

// Plugin sorts the queue.
type Plugin struct{}

var _ fwk.QueueSortPlugin = &Plugin{}

// New makes the plugin.
func New(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return &Plugin{}, nil }

func (*Plugin) Name() string { return Name }

// Less tells whether a goes before b.
func (*Plugin) Less(a, b fwk.QueuedPodInfo) bool {
	x, y := corev1helpers.PodPriority(a.GetPodInfo().GetPod()), corev1helpers.PodPriority(b.GetPodInfo().GetPod())
	return x > y || (x == y && a.GetTimestamp().Before(b.GetTimestamp()))
}
