package authorization

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
)

// SelfSubjectRulesReview lists what the caller may do in a namespace, as far as rules can say it.
type SelfSubjectRulesReview struct{ Rules authorizer.RuleResolver }

var _ rest.Creater = &SelfSubjectRulesReview{}

// New implements rest.Storage.
func (r *SelfSubjectRulesReview) New() runtime.Object {
	return &authorizationv1.SelfSubjectRulesReview{}
}

// Destroy implements rest.Storage.
func (r *SelfSubjectRulesReview) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (r *SelfSubjectRulesReview) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (r *SelfSubjectRulesReview) GetSingularName() string { return "selfsubjectrulesreview" }

// Create implements rest.Creater.
func (r *SelfSubjectRulesReview) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, _ *metav1.CreateOptions) (runtime.Object, error) {
	review, ok := obj.(*authorizationv1.SelfSubjectRulesReview)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("not a SelfSubjectRulesReview: %#v", obj))
	}
	u, ok := genericrequest.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewBadRequest("no user present on request")
	}
	if review.Spec.Namespace == "" {
		return nil, apierrors.NewBadRequest("no namespace on request")
	}
	if err := check(ctx, validate, obj); err != nil {
		return nil, err
	}
	resources, others, incomplete, err := r.Rules.RulesFor(ctx, u, review.Spec.Namespace)
	out := &authorizationv1.SelfSubjectRulesReview{}
	out.Status.Incomplete = incomplete
	out.Status.ResourceRules = []authorizationv1.ResourceRule{}
	out.Status.NonResourceRules = []authorizationv1.NonResourceRule{}
	for _, rule := range resources {
		out.Status.ResourceRules = append(out.Status.ResourceRules, authorizationv1.ResourceRule{
			Verbs: rule.GetVerbs(), APIGroups: rule.GetAPIGroups(), Resources: rule.GetResources(), ResourceNames: rule.GetResourceNames(),
		})
	}
	for _, rule := range others {
		out.Status.NonResourceRules = append(out.Status.NonResourceRules, authorizationv1.NonResourceRule{
			Verbs: rule.GetVerbs(), NonResourceURLs: rule.GetNonResourceURLs(),
		})
	}
	if err != nil {
		out.Status.EvaluationError = err.Error()
	}
	return out, nil
}
