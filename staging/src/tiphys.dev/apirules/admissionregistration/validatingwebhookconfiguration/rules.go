package validatingwebhookconfiguration

import (
	v1 "k8s.io/api/admissionregistration/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/admissionregistration/webhookrules"
)

// SetDefaults completes each webhook.
func SetDefaults(obj *v1.ValidatingWebhookConfiguration) {
	for i := range obj.Webhooks {
		webhookrules.SetDefaults(view(&obj.Webhooks[i]))
	}
}

func view(w *v1.ValidatingWebhook) webhookrules.View {
	return webhookrules.View{Name: w.Name, ClientConfig: &w.ClientConfig, Rules: w.Rules, FailurePolicy: &w.FailurePolicy, MatchPolicy: &w.MatchPolicy,
		NamespaceSelector: &w.NamespaceSelector, ObjectSelector: &w.ObjectSelector, SideEffects: w.SideEffects, TimeoutSeconds: &w.TimeoutSeconds,
		ReviewVersions: w.AdmissionReviewVersions, MatchConditions: w.MatchConditions}
}

func views(webhooks []v1.ValidatingWebhook) []webhookrules.View {
	out := make([]webhookrules.View, 0, len(webhooks))
	for i := range webhooks {
		out = append(out, view(&webhooks[i]))
	}
	return out
}

// Validate checks a new configuration.
func Validate(obj *v1.ValidatingWebhookConfiguration) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, webhookrules.Validate(views(obj.Webhooks), webhookrules.Options{})...)
}

// ValidateUpdate checks a change; what was wrong already may stay.
func ValidateUpdate(obj, old *v1.ValidatingWebhookConfiguration) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, webhookrules.Validate(views(obj.Webhooks), webhookrules.OptionsFor(views(old.Webhooks)))...)
}
