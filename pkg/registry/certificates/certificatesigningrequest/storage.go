package certificatesigningrequest

import (
	"context"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	rules "tiphys.dev/apirules/certificates/certificatesigningrequest"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

// New makes the storage of certificate signing requests, their status and their approval.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, main, err := resource.Storage(getter)
	if err != nil {
		return nil, err
	}
	s["certificatesigningrequests/approval"] = stored.NewPart(main, approvalStrategy{resource.Part()})
	return s, nil
}

// approvalStrategy lets through nothing but conditions: who approves does not sign.
type approvalStrategy struct{ stored.PartStrategy }

func (approvalStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	o, before := obj.(*certificatesv1.CertificateSigningRequest), old.(*certificatesv1.CertificateSigningRequest)
	conditions := o.Status.Conditions
	o.Spec, o.Status = before.Spec, before.Status
	o.Status.Conditions = conditions
	touch(o, before)
}

func (approvalStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return rules.ValidateApprovalUpdate(obj.(*certificatesv1.CertificateSigningRequest), old.(*certificatesv1.CertificateSigningRequest))
}

func (approvalStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{"certificates.k8s.io/v1": fieldpath.NewSet(
		fieldpath.MakePathOrDie("spec"), fieldpath.MakePathOrDie("status", "certificate"))}
}

func isDecision(c certificatesv1.CertificateSigningRequestCondition) bool {
	return c.Type == certificatesv1.CertificateApproved || c.Type == certificatesv1.CertificateDenied
}

// withDecisions keeps the decisions that are stored, each at the place where the update has it. Those that only the update brings
// stay for validation to refuse: deciding is for who may approve.
func withDecisions(now, old []certificatesv1.CertificateSigningRequestCondition) []certificatesv1.CertificateSigningRequestCondition {
	var out []certificatesv1.CertificateSigningRequestCondition
	for _, c := range old {
		if isDecision(c) && !slices.ContainsFunc(now, func(n certificatesv1.CertificateSigningRequestCondition) bool { return n.Type == c.Type }) {
			out = append(out, c)
		}
	}
	for _, c := range now {
		if !isDecision(c) {
			out = append(out, c)
			continue
		}
		decided := false
		for _, before := range old {
			if before.Type == c.Type {
				out, decided = append(out, before), true
			}
		}
		if !decided {
			out = append(out, c)
		}
	}
	return out
}

// touch fills in the times of conditions.
func touch(o, old *certificatesv1.CertificateSigningRequest) {
	now := metav1.Now()
	for i := range o.Status.Conditions {
		c := &o.Status.Conditions[i]
		for _, before := range old.Status.Conditions {
			// A decision sent again without times is the one that was made.
			if isDecision(*c) && c.LastUpdateTime.IsZero() && before.Type == c.Type && before.Status == c.Status && before.Reason == c.Reason && before.Message == c.Message {
				c.LastUpdateTime = before.LastUpdateTime
			}
		}
		if c.LastUpdateTime.IsZero() {
			c.LastUpdateTime = now
		}
		if !c.LastTransitionTime.IsZero() {
			continue
		}
		c.LastTransitionTime = now
		for _, before := range old.Status.Conditions {
			if before.Type == c.Type && before.Status == c.Status && !before.LastTransitionTime.IsZero() {
				c.LastTransitionTime = before.LastTransitionTime
			}
		}
	}
}
