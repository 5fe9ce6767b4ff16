package authentication

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
)

// TokenReview answers whose token a token is.
type TokenReview struct {
	// Authenticator is the server's own chain.
	Authenticator authenticator.Request
	Audiences     []string
}

var _ rest.Creater = &TokenReview{}

// New implements rest.Storage.
func (r *TokenReview) New() runtime.Object { return &authenticationv1.TokenReview{} }

// Destroy implements rest.Storage.
func (r *TokenReview) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (r *TokenReview) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (r *TokenReview) GetSingularName() string { return "tokenreview" }

var errNoAudience = errors.New("token audiences do not match any of the requested audiences")

// Create implements rest.Creater.
func (r *TokenReview) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, _ *metav1.CreateOptions) (runtime.Object, error) {
	review, ok := obj.(*authenticationv1.TokenReview)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("not a TokenReview: %#v", obj))
	}
	if ns := genericrequest.NamespaceValue(ctx); ns != "" {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("namespace is not allowed on this type: %v", ns))
	}
	if review.Spec.Token == "" {
		return nil, apierrors.NewBadRequest("token is required for TokenReview in authentication")
	}
	if validate != nil {
		if err := validate(ctx, obj.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	if r.Authenticator == nil {
		return review, nil
	}
	// A request of its own: no header of the caller may take part in the answer.
	asked := &http.Request{Header: http.Header{"Authorization": []string{"Bearer " + review.Spec.Token}}}
	wanted := review.Spec.Audiences
	if len(wanted) == 0 {
		wanted = r.Audiences
	}
	if len(wanted) > 0 {
		asked = asked.WithContext(authenticator.WithAudiences(ctx, wanted))
	}
	resp, authenticated, err := r.Authenticator.AuthenticateRequest(asked)
	review.Status.Authenticated = authenticated
	if err != nil {
		review.Status.Error = err.Error()
	}
	if len(wanted) > 0 && resp != nil && len(authenticator.Audiences(wanted).Intersect(resp.Audiences)) == 0 {
		review.Status.Authenticated = false
		review.Status.Error = errNoAudience.Error()
		return review, nil
	}
	if resp != nil && resp.User != nil {
		review.Status.User = userInfo(resp.User)
		review.Status.Audiences = resp.Audiences
	}
	return review, nil
}
