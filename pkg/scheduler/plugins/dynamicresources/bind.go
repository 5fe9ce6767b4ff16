package dynamicresources

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	fwk "k8s.io/kube-scheduler/framework"
)

// Reserve signals the devices the node would give, so that the next pod does not get them.
func (p *Plugin) Reserve(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, node string) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return nil
	}
	s := data.(*state)
	next := 0
	for _, one := range s.claims {
		if one.claim.Status.Allocation != nil {
			continue
		}
		updated := one.claim.DeepCopy()
		if one.allocation != nil {
			// Another pod of the same claim is being bound with it: share what it got.
			updated.Status.Allocation = one.allocation
		} else {
			results := s.byNode[node]
			if next >= len(results) {
				return fwk.AsStatus(fmt.Errorf("claim %s has no allocation on node %s", one.claim.Name, node))
			}
			updated.Status.Allocation = &results[next]
			next++
		}
		if err := p.manager.ResourceClaims().SignalClaimPendingAllocation(one.claim.UID, updated); err != nil {
			return fwk.AsStatus(err)
		}
		one.ours, one.pending = updated, true
	}
	return nil
}

// Unreserve takes signals back, and reservations already written.
func (p *Plugin) Unreserve(ctx context.Context, cycle fwk.CycleState, pod *v1.Pod, _ string) {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return
	}
	for _, one := range data.(*state).claims {
		if one.pending {
			p.manager.ResourceClaims().MaybeRemoveClaimPendingAllocation(one.claim.UID, false)
			one.pending = false
		}
		current, err := p.manager.ResourceClaims().Get(one.claim.Namespace, one.claim.Name)
		if err != nil || !resourceclaim.IsReservedForPod(pod, current, false) {
			continue
		}
		updated := current.DeepCopy()
		updated.Status.ReservedFor = slices.DeleteFunc(updated.Status.ReservedFor, func(r resourceapi.ResourceClaimConsumerReference) bool { return r.UID == pod.UID })
		// The claim controller removes what is left over when this fails.
		_, _ = p.update(ctx, updated)
	}
}

// PreBindPreFlight skips pods whose claims are allocated and reserved.
func (p *Plugin) PreBindPreFlight(_ context.Context, cycle fwk.CycleState, pod *v1.Pod, _ string) (*fwk.PreBindPreFlightResult, *fwk.Status) {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	for _, one := range data.(*state).claims {
		if one.pending || !resourceclaim.IsReservedForPod(pod, one.claim, false) || hasConditions(one.claim) {
			return &fwk.PreBindPreFlightResult{AllowParallel: true}, nil
		}
	}
	return nil, fwk.NewStatus(fwk.Skip)
}

// PreBind writes allocations and reservations, then waits for devices that have to be made ready first.
func (p *Plugin) PreBind(ctx context.Context, cycle fwk.CycleState, pod *v1.Pod, _ string) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	s := data.(*state)
	for _, one := range s.claims {
		if !one.pending && resourceclaim.IsReservedForPod(pod, one.claim, false) {
			continue
		}
		written, err := p.write(ctx, one, pod)
		if err != nil {
			return fwk.AsStatus(err)
		}
		one.claim = written
		if one.pending {
			p.manager.ResourceClaims().MaybeRemoveClaimPendingAllocation(written.UID, false)
			one.pending = false
		}
	}
	return p.awaitDevices(ctx, s)
}

// write brings one claim up to date in the API, on top of whatever others wrote meanwhile.
func (p *Plugin) write(ctx context.Context, one *claimState, pod *v1.Pod) (*resourceapi.ResourceClaim, error) {
	claim := one.claim
	var written *resourceapi.ResourceClaim
	client := p.handle.ClientSet().ResourceV1().ResourceClaims(claim.Namespace)
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		current := claim.DeepCopy()
		if written != nil || claim.ResourceVersion == "" {
			fresh, err := client.Get(ctx, claim.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			current = fresh
		}
		written = current
		if current.DeletionTimestamp != nil {
			return fmt.Errorf("claim %s/%s got deleted in the meantime", current.Namespace, current.Name)
		}
		if current.Status.Allocation == nil && one.ours == nil {
			return fmt.Errorf("claim %s/%s lost its allocation in the meantime", current.Namespace, current.Name)
		}
		if current.Status.Allocation == nil && !slices.Contains(current.Finalizers, resourceapi.Finalizer) {
			current.Finalizers = append(current.Finalizers, resourceapi.Finalizer)
			updated, err := client.Update(ctx, current, metav1.UpdateOptions{})
			if err != nil {
				return err
			}
			current = updated
		}
		if current.Status.Allocation == nil {
			current.Status.Allocation = one.ours.Status.Allocation.DeepCopy()
			now := metav1.Now()
			current.Status.Allocation.AllocationTimestamp = &now
		}
		if !resourceclaim.IsReservedForPod(pod, current, false) {
			current.Status.ReservedFor = append(current.Status.ReservedFor, resourceapi.ResourceClaimConsumerReference{Resource: "pods", Name: pod.Name, UID: pod.UID})
		}
		updated, err := p.update(ctx, current)
		if err == nil {
			written = updated
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("allocating claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	return written, nil
}

func (p *Plugin) update(ctx context.Context, claim *resourceapi.ResourceClaim) (*resourceapi.ResourceClaim, error) {
	updated, err := p.handle.ClientSet().ResourceV1().ResourceClaims(claim.Namespace).UpdateStatus(ctx, claim, metav1.UpdateOptions{})
	if err != nil {
		return nil, fmt.Errorf("updating the status of claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	// When the claim is gone there is nothing to show.
	_ = p.manager.ResourceClaims().AssumeClaimAfterAPICall(updated)
	return updated, nil
}

func hasConditions(claim *resourceapi.ResourceClaim) bool {
	if claim.Status.Allocation == nil {
		return false
	}
	for i := range claim.Status.Allocation.Devices.Results {
		if len(claim.Status.Allocation.Devices.Results[i].BindingConditions) > 0 {
			return true
		}
	}
	return false
}

// awaitDevices blocks until the binding conditions of all devices hold.
func (p *Plugin) awaitDevices(ctx context.Context, s *state) *fwk.Status {
	wait := false
	for _, one := range s.claims {
		wait = wait || hasConditions(one.claim)
	}
	if !wait {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.bindingTimeout)
	defer cancel()
	for {
		changes := p.changes()
		ready, err := p.devicesReady(s)
		if err != nil {
			return fwk.NewStatus(fwk.Unschedulable, err.Error())
		}
		if ready {
			return nil
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return fwk.NewStatus(fwk.Unschedulable, fmt.Sprintf("device binding timeout: %v", context.Cause(ctx)))
		}
	}
}

func (p *Plugin) devicesReady(s *state) (bool, error) {
	for _, one := range s.claims {
		claim, err := p.manager.ResourceClaims().Get(one.claim.Namespace, one.claim.Name)
		if err != nil {
			return false, err
		}
		if claim.Status.Allocation == nil {
			return false, fmt.Errorf("claim %s lost its allocation", claim.Name)
		}
		for i := range claim.Status.Allocation.Devices.Results {
			result := &claim.Status.Allocation.Devices.Results[i]
			conditions := conditionsOf(claim, result)
			for _, name := range result.BindingFailureConditions {
				if meta.IsStatusConditionTrue(conditions, name) {
					return false, fmt.Errorf("claim %s binding failed: condition %s of device %s", claim.Name, name, result.Device)
				}
			}
			for _, name := range result.BindingConditions {
				if !meta.IsStatusConditionTrue(conditions, name) {
					return false, nil
				}
			}
		}
	}
	return true, nil
}

func conditionsOf(claim *resourceapi.ResourceClaim, result *resourceapi.DeviceRequestAllocationResult) []metav1.Condition {
	for i := range claim.Status.Devices {
		device := &claim.Status.Devices[i]
		if device.Driver == result.Driver && device.Pool == result.Pool && device.Device == result.Device {
			return device.Conditions
		}
	}
	return nil
}
