package node

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/evictplan"
)

// setCondition puts the condition into the status; the time of transition moves only when the status changes. It
// returns whether it did.
func setCondition(status *v1.NodeStatus, c v1.NodeCondition, now metav1.Time) bool {
	c.LastHeartbeatTime = now
	for i := range status.Conditions {
		old := &status.Conditions[i]
		if old.Type != c.Type {
			continue
		}
		changed := old.Status != c.Status
		c.LastTransitionTime = old.LastTransitionTime
		if changed {
			c.LastTransitionTime = now
		}
		*old = c
		return changed
	}
	c.LastTransitionTime = now
	status.Conditions = append(status.Conditions, c)
	return true
}

// pressure builds one of the pressure conditions; the reasons differ by kind.
func pressure(kind v1.NodeConditionType, under bool, yes, no, yesText, noText string) v1.NodeCondition {
	if under {
		return v1.NodeCondition{Type: kind, Status: v1.ConditionTrue, Reason: yes, Message: yesText}
	}
	return v1.NodeCondition{Type: kind, Status: v1.ConditionFalse, Reason: no, Message: noText}
}

func pressures(p evictplan.Conditions) []v1.NodeCondition {
	return []v1.NodeCondition{
		pressure(v1.NodeMemoryPressure, p.Memory, "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory",
			"kubelet has insufficient memory available", "kubelet has sufficient memory available"),
		pressure(v1.NodeDiskPressure, p.Disk, "KubeletHasDiskPressure", "KubeletHasNoDiskPressure",
			"kubelet has disk pressure", "kubelet has no disk pressure"),
		pressure(v1.NodePIDPressure, p.PID, "KubeletHasInsufficientPID", "KubeletHasSufficientPID",
			"kubelet has insufficient PID available", "kubelet has sufficient PID available"),
	}
}

// ready gathers every reason why the node is not.
func ready(runtime *runtimeapi.RuntimeStatus, runtimeErr error, others []string) v1.NodeCondition {
	reasons := append([]string(nil), others...)
	switch {
	case runtimeErr != nil:
		reasons = append(reasons, fmt.Sprintf("container runtime is down: %v", runtimeErr))
	case runtime == nil:
		reasons = append(reasons, "container runtime status check may not have completed yet")
	default:
		names := map[string]string{runtimeapi.RuntimeReady: "container runtime not ready", runtimeapi.NetworkReady: "container runtime network not ready"}
		seen := map[string]bool{}
		for _, c := range runtime.GetConditions() {
			seen[c.GetType()] = true
			if what, ok := names[c.GetType()]; ok && !c.GetStatus() {
				reasons = append(reasons, fmt.Sprintf("%s: %s=%t reason:%s message:%s", what, c.GetType(), c.GetStatus(), c.GetReason(), c.GetMessage()))
			}
		}
		for _, kind := range []string{runtimeapi.RuntimeReady, runtimeapi.NetworkReady} {
			if !seen[kind] {
				reasons = append(reasons, fmt.Sprintf("%s: no condition %s", names[kind], kind))
			}
		}
	}
	if len(reasons) == 0 {
		return v1.NodeCondition{Type: v1.NodeReady, Status: v1.ConditionTrue, Reason: "KubeletReady", Message: "kubelet is posting ready status"}
	}
	message := reasons[0]
	if len(reasons) > 1 {
		message = "[" + strings.Join(reasons, ", ") + "]"
	}
	return v1.NodeCondition{Type: v1.NodeReady, Status: v1.ConditionFalse, Reason: "KubeletNotReady", Message: message}
}

// eventOf names the event that tells of a changed condition.
func eventOf(c v1.NodeCondition) string {
	yes := c.Status == v1.ConditionTrue
	switch c.Type {
	case v1.NodeReady:
		if yes {
			return "NodeReady"
		}
		return "NodeNotReady"
	case v1.NodeMemoryPressure:
		if yes {
			return "NodeHasInsufficientMemory"
		}
		return "NodeHasSufficientMemory"
	case v1.NodeDiskPressure:
		if yes {
			return "NodeHasDiskPressure"
		}
		return "NodeHasNoDiskPressure"
	case v1.NodePIDPressure:
		if yes {
			return "NodeHasInsufficientPID"
		}
		return "NodeHasSufficientPID"
	}
	return ""
}
