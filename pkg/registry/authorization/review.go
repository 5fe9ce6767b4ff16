package authorization

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	localrules "tiphys.dev/apirules/authorization/localsubjectaccessreview"
	selfrules "tiphys.dev/apirules/authorization/selfsubjectaccessreview"
	subjectrules "tiphys.dev/apirules/authorization/subjectaccessreview"
)

// reviewer is what the reviews of one question share.
type reviewer struct {
	authorizer authorizer.Authorizer
	singular   string
	namespaced bool
}

// Destroy implements rest.Storage.
func (r *reviewer) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (r *reviewer) NamespaceScoped() bool { return r.namespaced }

// GetSingularName implements rest.SingularNameProvider.
func (r *reviewer) GetSingularName() string { return r.singular }

func (r *reviewer) status(ctx context.Context, a authorizer.AttributesRecord) authorizationv1.SubjectAccessReviewStatus {
	decision, reason, err := r.authorizer.Authorize(ctx, a)
	s := authorizationv1.SubjectAccessReviewStatus{
		Allowed: decision == authorizer.DecisionAllow, Denied: decision == authorizer.DecisionDeny, Reason: reason,
	}
	var problems []string
	if err != nil {
		problems = append(problems, err.Error())
	}
	if a.FieldSelectorParsingErr != nil {
		problems = append(problems, ignored("fieldSelector", len(a.FieldSelectorRequirements)))
	}
	if a.LabelSelectorParsingErr != nil {
		problems = append(problems, ignored("labelSelector", len(a.LabelSelectorRequirements)))
	}
	s.EvaluationError = strings.Join(problems, "; ")
	return s
}

// ignored tells the asker that the answer is of a wider question: what does not parse cannot narrow it.
func ignored(selector string, understood int) string {
	if understood > 0 {
		return fmt.Sprintf("spec.resourceAttributes.%s partially ignored due to parse error", selector)
	}
	return fmt.Sprintf("spec.resourceAttributes.%s ignored due to parse error", selector)
}

// SubjectAccessReview answers what anybody may do.
type SubjectAccessReview struct{ reviewer }

// LocalSubjectAccessReview answers what anybody may do in a namespace.
type LocalSubjectAccessReview struct{ reviewer }

// SelfSubjectAccessReview answers what the caller may do.
type SelfSubjectAccessReview struct{ reviewer }

var (
	_ rest.Creater = &SubjectAccessReview{}
	_ rest.Creater = &LocalSubjectAccessReview{}
	_ rest.Creater = &SelfSubjectAccessReview{}
)

// NewSubjectAccessReview makes the review.
func NewSubjectAccessReview(a authorizer.Authorizer) *SubjectAccessReview {
	return &SubjectAccessReview{reviewer{a, "subjectaccessreview", false}}
}

// NewLocalSubjectAccessReview makes the review.
func NewLocalSubjectAccessReview(a authorizer.Authorizer) *LocalSubjectAccessReview {
	return &LocalSubjectAccessReview{reviewer{a, "localsubjectaccessreview", true}}
}

// NewSelfSubjectAccessReview makes the review.
func NewSelfSubjectAccessReview(a authorizer.Authorizer) *SelfSubjectAccessReview {
	return &SelfSubjectAccessReview{reviewer{a, "selfsubjectaccessreview", false}}
}

// New implements rest.Storage.
func (r *SubjectAccessReview) New() runtime.Object { return &authorizationv1.SubjectAccessReview{} }

// New implements rest.Storage.
func (r *LocalSubjectAccessReview) New() runtime.Object {
	return &authorizationv1.LocalSubjectAccessReview{}
}

// New implements rest.Storage.
func (r *SelfSubjectAccessReview) New() runtime.Object {
	return &authorizationv1.SelfSubjectAccessReview{}
}

// Create implements rest.Creater.
func (r *SubjectAccessReview) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, _ *metav1.CreateOptions) (runtime.Object, error) {
	o, ok := obj.(*authorizationv1.SubjectAccessReview)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("not a SubjectAccessReview: %#v", obj))
	}
	if errs := subjectrules.Validate(o); len(errs) > 0 {
		return nil, invalid(errs)
	}
	if err := check(ctx, validate, obj); err != nil {
		return nil, err
	}
	o.Status = r.status(ctx, attributes(subject(o.Spec), o.Spec.ResourceAttributes, o.Spec.NonResourceAttributes))
	return o, nil
}

// Create implements rest.Creater.
func (r *LocalSubjectAccessReview) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, _ *metav1.CreateOptions) (runtime.Object, error) {
	o, ok := obj.(*authorizationv1.LocalSubjectAccessReview)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("not a LocalSubjectAccessReview: %#v", obj))
	}
	errs := localrules.Validate(o)
	if len(errs) > 0 {
		return nil, invalid(errs)
	}
	namespace := genericrequest.NamespaceValue(ctx)
	if namespace == "" {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("namespace is required on this type: %v", namespace))
	}
	if namespace != o.Namespace {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("spec.resourceAttributes.namespace must match namespace: %v", namespace))
	}
	if err := check(ctx, validate, obj); err != nil {
		return nil, err
	}
	o.Status = r.status(ctx, attributes(subject(o.Spec), o.Spec.ResourceAttributes, nil))
	return o, nil
}

// Create implements rest.Creater.
func (r *SelfSubjectAccessReview) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, _ *metav1.CreateOptions) (runtime.Object, error) {
	o, ok := obj.(*authorizationv1.SelfSubjectAccessReview)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("not a SelfSubjectAccessReview: %#v", obj))
	}
	if errs := selfrules.Validate(o); len(errs) > 0 {
		return nil, invalid(errs)
	}
	u, ok := genericrequest.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewBadRequest("no user present on request")
	}
	if err := check(ctx, validate, obj); err != nil {
		return nil, err
	}
	o.Status = r.status(ctx, attributes(u, o.Spec.ResourceAttributes, o.Spec.NonResourceAttributes))
	return o, nil
}

// invalid names no kind: clients know of upstream's answers without it.
func invalid(errs field.ErrorList) error {
	return apierrors.NewInvalid(schema.GroupKind{Group: authorizationv1.GroupName}, "", errs)
}

func check(ctx context.Context, validate rest.ValidateObjectFunc, obj runtime.Object) error {
	if validate == nil {
		return nil
	}
	return validate(ctx, obj.DeepCopyObject())
}

func subject(s authorizationv1.SubjectAccessReviewSpec) user.Info {
	u := &user.DefaultInfo{Name: s.User, Groups: s.Groups, UID: s.UID}
	for k, v := range s.Extra {
		if u.Extra == nil {
			u.Extra = map[string][]string{}
		}
		u.Extra[k] = v
	}
	return u
}
