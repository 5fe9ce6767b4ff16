package pod

import (
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("Ready", "The aggregate readiness state of this pod for accepting traffic."),
	table.Text("Status", "The aggregate status of the containers in this pod."),
	table.Text("Restarts", "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted."),
	table.Age,
	table.Wide(table.Text("IP", corev1.PodStatus{}.SwaggerDoc()["podIP"])),
	table.Wide(table.Text("Node", corev1.PodSpec{}.SwaggerDoc()["nodeName"])),
	table.Wide(table.Text("Nominated Node", corev1.PodStatus{}.SwaggerDoc()["nominatedNodeName"])),
	table.Wide(table.Text("Readiness Gates", corev1.PodSpec{}.SwaggerDoc()["readinessGates"])),
}

// rowConditions marks pods that have ended.
func rowConditions(o *corev1.Pod) []metav1.TableRowCondition {
	switch o.Status.Phase {
	case corev1.PodSucceeded:
		return []metav1.TableRowCondition{{Type: metav1.RowCompleted, Status: metav1.ConditionTrue, Reason: "Succeeded", Message: "The pod has completed successfully."}}
	case corev1.PodFailed:
		return []metav1.TableRowCondition{{Type: metav1.RowCompleted, Status: metav1.ConditionTrue, Reason: "Failed", Message: "The pod failed."}}
	}
	return nil
}

// nodeUnreachable is the reason that the node lifecycle controller gives to pods of lost nodes.
const nodeUnreachable = "NodeLost"

func row(o *corev1.Pod) []any {
	s := summarize(o)
	restarts := strconv.Itoa(s.restarts)
	if s.restarts > 0 && !s.lastRestart.IsZero() {
		restarts = fmt.Sprintf("%d (%s ago)", s.restarts, duration.HumanDuration(time.Since(s.lastRestart.Time)))
	}
	ip := ""
	if len(o.Status.PodIPs) > 0 {
		ip = o.Status.PodIPs[0].IP
	} else {
		ip = o.Status.PodIP
	}
	gates := "<none>"
	if len(o.Spec.ReadinessGates) > 0 {
		met := 0
		for _, g := range o.Spec.ReadinessGates {
			if c := podstate.Condition(o, g.ConditionType); c != nil && c.Status == corev1.ConditionTrue {
				met++
			}
		}
		gates = fmt.Sprintf("%d/%d", met, len(o.Spec.ReadinessGates))
	}
	return []any{
		o.Name, fmt.Sprintf("%d/%d", s.ready, s.total), s.reason, restarts, table.Since(o.CreationTimestamp),
		table.OrNone(ip), table.OrNone(o.Spec.NodeName), table.OrNone(o.Status.NominatedNodeName), gates,
	}
}

// summary is a pod in one line.
type summary struct {
	ready, total, restarts int
	lastRestart            metav1.Time
	reason                 string
}

// summarize finds the one word that tells most about the pod: what its first init container that has not ended is at, else
// the last of its containers that is not simply running.
func summarize(o *corev1.Pod) summary {
	s := summary{total: len(o.Spec.Containers), reason: string(o.Status.Phase)}
	if o.Status.Reason != "" {
		s.reason = o.Status.Reason
	}
	if c := podstate.Condition(o, corev1.PodScheduled); c != nil && c.Reason == corev1.PodReasonSchedulingGated {
		s.reason = corev1.PodReasonSchedulingGated
	}
	sidecars := map[string]bool{}
	for i := range o.Spec.InitContainers {
		c := &o.Spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			sidecars[c.Name] = true
			s.total++
		}
	}
	var sidecarRestarts int
	var sidecarLast metav1.Time
	initializing := false
	for i := range o.Status.InitContainerStatuses {
		c := &o.Status.InitContainerStatuses[i]
		s.addRestarts(c)
		if sidecars[c.Name] {
			sidecarRestarts += int(c.RestartCount)
			if t := c.LastTerminationState.Terminated; t != nil && sidecarLast.Before(&t.FinishedAt) {
				sidecarLast = t.FinishedAt
			}
		}
		switch t := c.State.Terminated; {
		case t != nil && t.ExitCode == 0:
			continue
		case sidecars[c.Name] && c.Started != nil && *c.Started:
			if c.Ready {
				s.ready++
			}
			continue
		case t != nil:
			s.reason = "Init:" + ended(t)
		case c.State.Waiting != nil && c.State.Waiting.Reason != "" && c.State.Waiting.Reason != "PodInitializing":
			s.reason = "Init:" + c.State.Waiting.Reason
		default:
			s.reason = fmt.Sprintf("Init:%d/%d", i, len(o.Spec.InitContainers))
		}
		initializing = true
		break
	}
	if !initializing || initialized(o) {
		// Restarts of init containers no longer matter to who looks at a running pod; those of sidecars do.
		s.restarts, s.lastRestart = sidecarRestarts, sidecarLast
		running := false
		for i := len(o.Status.ContainerStatuses) - 1; i >= 0; i-- {
			c := &o.Status.ContainerStatuses[i]
			s.addRestarts(c)
			switch {
			case c.State.Waiting != nil && c.State.Waiting.Reason != "":
				s.reason = c.State.Waiting.Reason
			case c.State.Terminated != nil:
				s.reason = ended(c.State.Terminated)
			case c.Ready && c.State.Running != nil:
				running = true
				s.ready++
			}
		}
		if s.reason == "Completed" && running {
			s.reason = "NotReady"
			if podstate.IsReady(o) {
				s.reason = "Running"
			}
		}
	}
	if o.DeletionTimestamp != nil {
		switch {
		case o.Status.Reason == nodeUnreachable:
			s.reason = "Unknown"
		case !podstate.IsTerminal(o):
			s.reason = "Terminating"
		}
	}
	return s
}

func (s *summary) addRestarts(c *corev1.ContainerStatus) {
	s.restarts += int(c.RestartCount)
	if t := c.LastTerminationState.Terminated; t != nil && s.lastRestart.Before(&t.FinishedAt) {
		s.lastRestart = t.FinishedAt
	}
}

func ended(t *corev1.ContainerStateTerminated) string {
	switch {
	case t.Reason != "":
		return t.Reason
	case t.Signal != 0:
		return fmt.Sprintf("Signal:%d", t.Signal)
	default:
		return fmt.Sprintf("ExitCode:%d", t.ExitCode)
	}
}

func initialized(o *corev1.Pod) bool {
	c := podstate.Condition(o, corev1.PodInitialized)
	return c != nil && c.Status == corev1.ConditionTrue
}
