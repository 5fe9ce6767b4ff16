package podstatus

import (
	"encoding/json"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"tiphys.dev/tiphys/pkg/kubelet/podstatus"
)

// newer returns which of two views of the same pod is later.
func newer(seen, known *v1.Pod) *v1.Pod {
	if known == nil || known.UID != seen.UID {
		return seen
	}
	if c, err := resourceversion.CompareResourceVersion(seen.ResourceVersion, known.ResourceVersion); err == nil && c >= 0 {
		return seen
	}
	return known
}

// merge lays the kubelet's status over the API's: conditions of other owners stay, a terminal phase stays.
func merge(have, want v1.PodStatus) v1.PodStatus {
	out := *want.DeepCopy()
	var conditions []v1.PodCondition
	mine := map[v1.PodConditionType]bool{}
	for _, c := range out.Conditions {
		if podstatus.Owned(c.Type) || find(have.Conditions, c.Type) == nil || c.Type == v1.DisruptionTarget {
			conditions = append(conditions, c)
			mine[c.Type] = true
		}
	}
	for _, c := range have.Conditions {
		if !mine[c.Type] && !podstatus.Owned(c.Type) {
			conditions = append(conditions, c)
		}
	}
	out.Conditions = conditions
	out.ResourceClaimStatuses = have.ResourceClaimStatuses
	out.ExtendedResourceClaimStatus = have.ExtendedResourceClaimStatus
	out.NodeAllocatableResourceClaimStatuses = have.NodeAllocatableResourceClaimStatuses
	out.NominatedNodeName = have.NominatedNodeName
	if out.QOSClass == "" || have.QOSClass != "" {
		out.QOSClass = have.QOSClass
	}
	if have.Phase == v1.PodSucceeded || have.Phase == v1.PodFailed {
		out.Phase = have.Phase
		if out.Reason == "" {
			out.Reason, out.Message = have.Reason, have.Message
		}
	}
	return out
}

func find(all []v1.PodCondition, t v1.PodConditionType) *v1.PodCondition {
	for i := range all {
		if all[i].Type == t {
			return &all[i]
		}
	}
	return nil
}

// patchBody is the strategic merge patch from the API's pod to the wanted status, and whether there is any difference.
func patchBody(base *v1.Pod, want v1.PodStatus) ([]byte, bool, error) {
	merged := merge(base.Status, want)
	if equality.Semantic.DeepEqual(base.Status, merged) {
		return nil, false, nil
	}
	from, err := json.Marshal(v1.Pod{Status: base.Status})
	if err != nil {
		return nil, false, fmt.Errorf("encoding the present status: %w", err)
	}
	target := v1.Pod{Status: merged}
	// The precondition: a pod of the same name but another UID must not get this status.
	target.UID = base.UID
	to, err := json.Marshal(target)
	if err != nil {
		return nil, false, fmt.Errorf("encoding the new status: %w", err)
	}
	body, err := strategicpatch.CreateTwoWayMergePatch(from, to, v1.Pod{})
	if err != nil {
		return nil, false, fmt.Errorf("computing the patch: %w", err)
	}
	return body, true, nil
}
