package podstatus

import (
	"time"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

// Health is what the probes say about one running container.
type Health struct{ Started, Ready bool }

// Failure is a verdict over the whole pod: not admitted, evicted, deadline exceeded.
type Failure struct {
	Reason, Message string
	// Condition to set besides, e.g. DisruptionTarget; may be nil.
	Condition *v1.PodCondition
}

// Input is everything a status depends on.
type Input struct {
	Pod      *v1.Pod
	Observed *observe.Pod
	// Prior is the status last known: reported by us or read from the API.
	Prior v1.PodStatus
	// Health of a running container.
	Health func(c *observe.Container) Health
	// Waiting reasons by container name, from the plan and from failed starts.
	Waiting map[string]plan.Waiting
	// Failure is set once the pod has been condemned.
	Failure *Failure
	// Finished: nothing of the pod runs any more and nothing will (done, condemned or deleted, and stopped).
	Finished bool
	// Rejected: the pod was never admitted; its containers never were.
	Rejected bool
	// HostIPs of the node, primary first.
	HostIPs []string
	// RuntimeName is the scheme of container IDs.
	RuntimeName string
	// StartTime is when the kubelet first saw the pod.
	StartTime time.Time
	Now       time.Time
	// Resize conditions that hold now.
	Resize []v1.PodCondition
	// RestartingAll: all containers are being restarted by a restart rule.
	RestartingAll bool
	// Settled tells that a running container has the resources promised to it; nil means yes.
	Settled func(c *v1.Container) bool
}
