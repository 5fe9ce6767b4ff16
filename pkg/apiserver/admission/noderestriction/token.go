package noderestriction

import (
	"context"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/component-helpers/storage/ephemeral"
)

// token lets a kubelet request tokens for the pods that are bound to it.
func (p *Plugin) token(ctx context.Context, r *request) error {
	if r.GetOperation() != admission.Create || r.GetSubresource() != "token" {
		return nil
	}
	t, ok := r.GetObject().(*authenticationv1.TokenRequest)
	if !ok {
		return r.unexpected()
	}
	ref := t.Spec.BoundObjectRef
	if ref == nil || ref.APIVersion != "v1" || ref.Kind != "Pod" || ref.Name == "" {
		return r.refuse("node requested token not bound to a pod")
	}
	if ref.UID == "" {
		return r.refuse("node requested token with a pod binding without a uid")
	}
	pod, err := p.pods.Pods(r.GetNamespace()).Get(ref.Name)
	switch {
	case apierrors.IsNotFound(err):
		return err
	case err != nil:
		return r.refuse("looking up pod: %w", err)
	case pod.UID != ref.UID:
		return r.refuse("the UID in the bound object reference (%s) does not match the UID in record. The object might have been deleted and then recreated", ref.UID)
	case pod.Spec.NodeName != r.node:
		return r.refuse("node requested token bound to a pod scheduled on a different node")
	}
	if p.restrictAudiences {
		return p.audience(ctx, r, pod, t.Spec.Audiences)
	}
	return nil
}

// audience refuses audiences that nothing in the pod asks for, unless the node may request them by name.
func (p *Plugin) audience(ctx context.Context, r *request, pod *corev1.Pod, audiences []string) error {
	if len(audiences) > 1 {
		return r.refuse("node may only request 0 or 1 audiences")
	}
	asked := ""
	if len(audiences) == 1 {
		asked = audiences[0]
	}
	found, err := p.inVolumes(pod, asked)
	if err != nil {
		return r.refuse("error validating audience %q: %w", asked, err)
	}
	if found {
		return nil
	}
	decision, _, err := p.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User: r.GetUserInfo(), Verb: "request-serviceaccounts-token-audience", APIGroup: "", APIVersion: "*",
		Resource: asked, Name: r.GetName(), Namespace: r.GetNamespace(), ResourceRequest: true,
	})
	if err != nil {
		return r.refuse("audience %q cannot be requested by %s: %w", asked, r.GetUserInfo().GetName(), err)
	}
	if decision != authorizer.DecisionAllow {
		return r.refuse("audience %q not found in pod spec volume, %s is not authorized to request tokens for this audience", asked, r.GetUserInfo().GetName())
	}
	return nil
}

// inVolumes tells whether a volume of the pod needs a token for the audience: a projected one, or one whose CSI driver wants it.
func (p *Plugin) inVolumes(pod *corev1.Pod, audience string) (bool, error) {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		driver, err := p.driverOf(pod, v)
		if err != nil {
			return false, err
		}
		if projects(v, audience) || driver != "" && p.wants(driver, audience) {
			return true, nil
		}
	}
	return false, nil
}

func projects(v *corev1.Volume, audience string) bool {
	return v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
		return s.ServiceAccountToken != nil && s.ServiceAccountToken.Audience == audience
	})
}

// driverOf returns the CSI driver behind the volume. Claims and volumes that are not there yet have none.
func (p *Plugin) driverOf(pod *corev1.Pod, v *corev1.Volume) (string, error) {
	name := ""
	switch {
	case v.CSI != nil:
		return v.CSI.Driver, nil
	case v.PersistentVolumeClaim != nil:
		name = v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		name = ephemeral.VolumeClaimName(pod, v)
	default:
		return "", nil
	}
	claim, err := p.claims.PersistentVolumeClaims(pod.Namespace).Get(name)
	if err != nil || claim.Spec.VolumeName == "" {
		return "", ignoreNotFound(err)
	}
	volume, err := p.volumes.Get(claim.Spec.VolumeName)
	if err != nil || volume.Spec.CSI == nil {
		return "", ignoreNotFound(err)
	}
	return volume.Spec.CSI.Driver, nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (p *Plugin) wants(driver, audience string) bool {
	d, err := p.drivers.Get(driver)
	if err != nil {
		return false
	}
	for _, t := range d.Spec.TokenRequests {
		if t.Audience == audience {
			return true
		}
	}
	return false
}
