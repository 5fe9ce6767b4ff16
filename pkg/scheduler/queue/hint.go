package queue

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// hint is one plugin's wish to be asked about an event.
type hint struct {
	plugin string
	event  fwk.ClusterEvent
	fn     fwk.QueueingHintFn
}

// Hints are the wishes of one profile's plugins.
type Hints struct {
	list []hint
	// byPlugin serves gated pods and the check of a single pod.
	byPlugin map[string][]hint
}

// NewHints asks the plugins which events may help pods they rejected. A plugin that does not say is taken to mean all.
func NewHints(ctx context.Context, extensions []fwk.EnqueueExtensions, unhinted []fwk.Plugin) (*Hints, error) {
	h := &Hints{byPlugin: map[string][]hint{}}
	for _, plugin := range extensions {
		events, err := plugin.EventsToRegister(ctx)
		if err != nil {
			return nil, fmt.Errorf("events of plugin %s: %w", plugin.Name(), err)
		}
		for _, event := range events {
			h.add(hint{plugin: plugin.Name(), event: event.Event, fn: event.QueueingHintFn})
		}
	}
	for _, plugin := range unhinted {
		h.add(hint{plugin: plugin.Name(), event: fwk.ClusterEvent{Resource: fwk.WildCard, ActionType: fwk.All}})
	}
	return h, nil
}

func (h *Hints) add(one hint) {
	h.list = append(h.list, one)
	h.byPlugin[one.plugin] = append(h.byPlugin[one.plugin], one)
}

// Resources lists what the plugins want to hear about, so that only those informers are started.
func (h *Hints) Resources() map[fwk.EventResource]fwk.ActionType {
	out := map[fwk.EventResource]fwk.ActionType{}
	for _, one := range h.list {
		out[one.event.Resource] |= one.event.ActionType
	}
	return out
}

// concerned returns the hints an event matches.
func (h *Hints) concerned(event fwk.ClusterEvent) []hint {
	var out []hint
	for _, one := range h.list {
		if matches(one.event, event) {
			out = append(out, one)
		}
	}
	return out
}

// matches tells whether a registered event covers one that happened.
func matches(registered, happened fwk.ClusterEvent) bool {
	if registered.Resource != fwk.WildCard && registered.Resource != happened.Resource {
		return false
	}
	return registered.ActionType&happened.ActionType != 0
}

// IsWildcard tells whether the event moves every pod whatever its plugins say.
func IsWildcard(event fwk.ClusterEvent) bool {
	return event.Resource == fwk.WildCard && event.ActionType == fwk.All
}

// strategy is what an event means for a pod.
type strategy int8

const (
	skip strategy = iota
	afterBackoff
	immediately
)

// decide asks the hints of the plugins that rejected the pod. An error counts as "may help", lest the pod be stuck.
func decide(logger klog.Logger, pod *PodInfo, event fwk.ClusterEvent, concerned []hint, old, new any) strategy {
	rejectors := pod.rejectors()
	if rejectors.Len() == 0 || IsWildcard(event) {
		return afterBackoff
	}
	result := skip
	for _, one := range concerned {
		if !rejectors.Has(one.plugin) {
			continue
		}
		pending := pod.PendingPlugins.Has(one.plugin)
		if result == afterBackoff && !pending {
			continue
		}
		if one.fn != nil {
			answer, err := one.fn(logger, pod.Object(), old, new)
			if err == nil && answer == fwk.QueueSkip {
				continue
			}
		}
		if pending {
			return immediately
		}
		result = afterBackoff
	}
	return result
}

// podEvents names what changed between two versions of a pod, in the terms plugins register for.
func podEvents(old, new *v1.Pod) []fwk.ClusterEvent {
	var out []fwk.ClusterEvent
	for _, action := range PodUpdateActions(old, new) {
		out = append(out, fwk.ClusterEvent{Resource: fwk.Pod, ActionType: action})
	}
	return out
}

// PodUpdateActions compares two versions of a pod.
func PodUpdateActions(old, new *v1.Pod) []fwk.ActionType {
	var out []fwk.ActionType
	add := func(changed bool, action fwk.ActionType) {
		if changed {
			out = append(out, action)
		}
	}
	add(!sameMap(old.Labels, new.Labels), fwk.UpdatePodLabel)
	add(scaledDown(old, new), fwk.UpdatePodScaleDown)
	add(len(old.Spec.Tolerations) != len(new.Spec.Tolerations), fwk.UpdatePodToleration)
	add(len(old.Spec.SchedulingGates) > 0 && len(new.Spec.SchedulingGates) == 0, fwk.UpdatePodSchedulingGatesEliminated)
	add(!slices.EqualFunc(old.Status.ResourceClaimStatuses, new.Status.ResourceClaimStatuses, func(a, b v1.PodResourceClaimStatus) bool {
		return a.Name == b.Name && (a.ResourceClaimName == nil) == (b.ResourceClaimName == nil) &&
			(a.ResourceClaimName == nil || *a.ResourceClaimName == *b.ResourceClaimName)
	}), fwk.UpdatePodGeneratedResourceClaim)
	return out
}
