package volumebinding

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	volumehelpers "k8s.io/component-helpers/storage/volume"
	fwk "k8s.io/kube-scheduler/framework"
)

// PreBindPreFlight skips pods whose claims are all bound.
func (p *Plugin) PreBindPreFlight(_ context.Context, cycle fwk.CycleState, _ *v1.Pod, _ string) (*fwk.PreBindPreFlightResult, *fwk.Status) {
	data, err := cycle.Read(stateKey)
	if err != nil || data.(*state).chosen == nil {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	return &fwk.PreBindPreFlightResult{AllowParallel: true}, nil
}

// PreBind writes the choice and waits until the volume controller has carried it out.
func (p *Plugin) PreBind(ctx context.Context, cycle fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	data, err := cycle.Read(stateKey)
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading %s: %w", stateKey, err))
	}
	chosen := data.(*state).chosen
	client := p.handle.ClientSet().CoreV1()
	for i, one := range chosen.bind {
		updated, err := client.PersistentVolumes().Update(ctx, one.volume, metav1.UpdateOptions{})
		if err != nil {
			return fwk.AsStatus(fmt.Errorf("binding volume %s to claim %s: %w", one.volume.Name, keyOf(one.claim), err))
		}
		chosen.bind[i].volume = updated
		p.volumes.assume(updated)
	}
	for i, claim := range chosen.provision {
		updated, err := client.PersistentVolumeClaims(claim.Namespace).Update(ctx, claim, metav1.UpdateOptions{})
		if err != nil {
			return fwk.AsStatus(fmt.Errorf("selecting node %s for claim %s: %w", node, keyOf(claim), err))
		}
		chosen.provision[i] = updated
		p.claims.assume(updated)
	}
	return p.await(ctx, chosen, pod, node)
}

// await blocks until all claims are bound, or never will be.
func (p *Plugin) await(ctx context.Context, chosen *choice, pod *v1.Pod, node string) *fwk.Status {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	for {
		changes := p.changes()
		done, err := p.bound(chosen, node)
		if err != nil {
			return fwk.AsStatus(fmt.Errorf("binding volumes: %w", err))
		}
		if done {
			return nil
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return fwk.AsStatus(fmt.Errorf("binding volumes of pod %s/%s: %w", pod.Namespace, pod.Name, context.Cause(ctx)))
		}
	}
}

func (p *Plugin) bound(chosen *choice, node string) (bool, error) {
	for _, one := range chosen.bind {
		claim, err := p.claimLister.PersistentVolumeClaims(one.claim.Namespace).Get(one.claim.Name)
		if err != nil {
			return false, err
		}
		if claim.Spec.VolumeName != "" && claim.Spec.VolumeName != one.volume.Name {
			return false, fmt.Errorf("claim %s was bound to volume %s instead of %s", keyOf(claim), claim.Spec.VolumeName, one.volume.Name)
		}
		if !isBound(claim) {
			return false, nil
		}
	}
	for _, ours := range chosen.provision {
		claim, err := p.claimLister.PersistentVolumeClaims(ours.Namespace).Get(ours.Name)
		if err != nil {
			return false, err
		}
		if claim.DeletionTimestamp != nil {
			return false, fmt.Errorf("claim %s is being deleted", keyOf(claim))
		}
		if claim.Status.Phase == v1.ClaimLost {
			return false, fmt.Errorf("claim %s: %w", keyOf(claim), errLost)
		}
		// The provisioner takes the node back when it cannot provision there: another node has to be found.
		if selected := claim.Annotations[volumehelpers.AnnSelectedNode]; selected != node && !later(ours, claim) {
			return false, fmt.Errorf("provisioning of claim %s failed on node %s", keyOf(claim), node)
		}
		if !isBound(claim) {
			return false, nil
		}
		volume, err := p.pvLister.Get(claim.Spec.VolumeName)
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		info, err := p.handle.SharedInformerFactory().Core().V1().Nodes().Lister().Get(node)
		if err != nil {
			return false, err
		}
		if err := volumehelpers.CheckNodeAffinity(volume, info.Labels); err != nil {
			return false, fmt.Errorf("volume %s is out of reach of node %s: %w", volume.Name, node, err)
		}
	}
	return true, nil
}
