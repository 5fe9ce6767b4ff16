package authorization

import (
	"context"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
)

// recorder keeps what it was asked and has no opinion.
type recorder struct{ asked authorizer.Attributes }

func (r *recorder) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	r.asked = a
	return authorizer.DecisionNoOpinion, "", nil
}

func selectors(f, l any) *authorizationv1.ResourceAttributes {
	a := &authorizationv1.ResourceAttributes{Verb: "list", Resource: "pods", Namespace: "ns"}
	switch f := f.(type) {
	case string:
		a.FieldSelector = &authorizationv1.FieldSelectorAttributes{RawSelector: f}
	case []metav1.FieldSelectorRequirement:
		a.FieldSelector = &authorizationv1.FieldSelectorAttributes{Requirements: f}
	}
	switch l := l.(type) {
	case string:
		a.LabelSelector = &authorizationv1.LabelSelectorAttributes{RawSelector: l}
	case []metav1.LabelSelectorRequirement:
		a.LabelSelector = &authorizationv1.LabelSelectorAttributes{Requirements: l}
	}
	return a
}

// TestSelectors: every kind of review hands the selectors on, and says what of them it could not read. The texts are those of
// upstream's server.
func TestSelectors(t *testing.T) {
	in := []metav1.FieldSelectorRequirement{{Key: "a", Operator: "In", Values: []string{"x"}}, {Key: "b", Operator: "Foo"}}
	labelIn := []metav1.LabelSelectorRequirement{{Key: "a", Operator: "In", Values: []string{"x"}}, {Key: "b", Operator: "Foo"}}
	for name, c := range map[string]struct {
		asked                  *authorizationv1.ResourceAttributes
		fields, labels, errors string
	}{
		"none":        {selectors(nil, nil), "", "", ""},
		"raw":         {selectors("spec.nodeName=n1,a!=b", "x in (y,z)"), "a != b,spec.nodeName = n1", "x in (y,z)", ""},
		"raw, broken": {selectors("a", "b in ("), "", "", "spec.resourceAttributes.fieldSelector ignored due to parse error; spec.resourceAttributes.labelSelector ignored due to parse error"},
		"in part": {selectors(in, labelIn), "a = x", "a in (x)",
			"spec.resourceAttributes.fieldSelector partially ignored due to parse error; spec.resourceAttributes.labelSelector partially ignored due to parse error"},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, ask := range map[string]func(authorizer.Authorizer) (string, error){
				"SubjectAccessReview": func(a authorizer.Authorizer) (string, error) {
					o, err := NewSubjectAccessReview(a).Create(context.Background(), &authorizationv1.SubjectAccessReview{
						Spec: authorizationv1.SubjectAccessReviewSpec{User: "u", ResourceAttributes: c.asked}}, nil, nil)
					if err != nil {
						return "", err
					}
					return o.(*authorizationv1.SubjectAccessReview).Status.EvaluationError, nil
				},
				"LocalSubjectAccessReview": func(a authorizer.Authorizer) (string, error) {
					ctx := genericrequest.WithNamespace(context.Background(), "ns")
					o, err := NewLocalSubjectAccessReview(a).Create(ctx, &authorizationv1.LocalSubjectAccessReview{
						ObjectMeta: metav1.ObjectMeta{Namespace: "ns"},
						Spec:       authorizationv1.SubjectAccessReviewSpec{User: "u", ResourceAttributes: c.asked}}, nil, nil)
					if err != nil {
						return "", err
					}
					return o.(*authorizationv1.LocalSubjectAccessReview).Status.EvaluationError, nil
				},
				"SelfSubjectAccessReview": func(a authorizer.Authorizer) (string, error) {
					ctx := genericrequest.WithUser(context.Background(), &user.DefaultInfo{Name: "u"})
					o, err := NewSelfSubjectAccessReview(a).Create(ctx, &authorizationv1.SelfSubjectAccessReview{
						Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: c.asked}}, nil, nil)
					if err != nil {
						return "", err
					}
					return o.(*authorizationv1.SelfSubjectAccessReview).Status.EvaluationError, nil
				},
			} {
				r := &recorder{}
				got, err := ask(r)
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				if got != c.errors {
					t.Errorf("%s: evaluation error %q, want %q", kind, got, c.errors)
				}
				var fields, labels []string
				fieldReqs, _ := r.asked.GetFieldSelector()
				for _, f := range fieldReqs {
					fields = append(fields, strings.Join([]string{f.Field, string(f.Operator), f.Value}, " "))
				}
				labelReqs, _ := r.asked.GetLabelSelector()
				for _, l := range labelReqs {
					labels = append(labels, l.String())
				}
				if strings.Join(fields, ",") != c.fields || strings.Join(labels, ",") != c.labels {
					t.Errorf("%s: asked with fields %q and labels %q, want %q and %q", kind, fields, labels, c.fields, c.labels)
				}
			}
		})
	}
}

func TestInvalidNamesNoKind(t *testing.T) {
	_, err := NewSelfSubjectAccessReview(&recorder{}).Create(context.Background(), &authorizationv1.SelfSubjectAccessReview{}, nil, nil)
	if want := `.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
