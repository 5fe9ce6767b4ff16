package volume

import (
	"context"
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/storage/ephemeral"
	"k8s.io/component-helpers/storage/volume"

	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// bind finds out which kind serves the volume; a claim is followed to its persistent volume.
func (m *Manager) bind(ctx context.Context, pod *v1.Pod, v *v1.Volume) (string, plugin.Request, error) {
	claim, readOnly := "", false
	switch {
	case v.PersistentVolumeClaim != nil:
		claim, readOnly = v.PersistentVolumeClaim.ClaimName, v.PersistentVolumeClaim.ReadOnly
	case v.Ephemeral != nil:
		claim = ephemeral.VolumeClaimName(pod, v)
	default:
		kind, err := kindOf(v)
		return kind, m.request(pod, v, kind, v.Name), err
	}
	pv, err := m.persistentVolume(ctx, pod, v, claim)
	if err != nil {
		return "", plugin.Request{}, err
	}
	kind, err := kindOfPV(pv)
	if err != nil {
		return "", plugin.Request{}, err
	}
	req := m.request(pod, v, kind, pv.Name)
	req.PV, req.ReadOnly = pv, readOnly
	return kind, req, nil
}

// persistentVolume reads claim and volume and makes sure that they belong to each other, to the pod and to this node.
func (m *Manager) persistentVolume(ctx context.Context, pod *v1.Pod, v *v1.Volume, name string) (*v1.PersistentVolume, error) {
	if m.cfg.Client == nil {
		return nil, errors.New("cannot use persistent volumes without an API server")
	}
	claim, err := m.cfg.Client.CoreV1().PersistentVolumeClaims(pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		if apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("persistentvolumeclaim %q not found", name)
		}
		return nil, fmt.Errorf("fetching claim %s/%s: %w", pod.Namespace, name, err)
	}
	if v.Ephemeral != nil {
		if err := ephemeral.VolumeIsForPod(pod, claim); err != nil {
			return nil, err
		}
	}
	if claim.Status.Phase != v1.ClaimBound || claim.Spec.VolumeName == "" {
		return nil, fmt.Errorf("PVC %s/%s is not bound", pod.Namespace, name)
	}
	pv, err := m.cfg.Client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("fetching persistent volume %s: %w", claim.Spec.VolumeName, err)
	}
	if pv.Spec.ClaimRef == nil || pv.Spec.ClaimRef.UID != claim.UID {
		return nil, fmt.Errorf("persistent volume %s is bound to another claim", pv.Name)
	}
	if m.cfg.NodeLabels != nil {
		if err := volume.CheckNodeAffinity(pv, m.cfg.NodeLabels()); err != nil {
			return nil, fmt.Errorf("persistent volume %s is not for this node: %w", pv.Name, err)
		}
	}
	return pv, nil
}
