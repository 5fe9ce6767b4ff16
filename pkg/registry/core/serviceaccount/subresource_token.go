package serviceaccount

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/audit"
	account "k8s.io/apiserver/pkg/authentication/serviceaccount"
	tokenjwt "k8s.io/apiserver/pkg/authentication/token/jwt"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
)

// TokenREST issues tokens for a service account. See
// https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/.
type TokenREST struct {
	accounts *genericregistry.Store
	c        Config
}

var (
	_ rest.NamedCreater             = &TokenREST{}
	_ rest.GroupVersionKindProvider = &TokenREST{}
)

// How long tokens live.
const (
	// mountedLifetime is what kubelets ask for mounted tokens, give or take; such a request may be extended.
	mountedLifetime = 3607 * time.Second
	// extendedLifetime is what an extended one gets.
	extendedLifetime = 365 * 24 * time.Hour
	leastLifetime    = 10 * time.Minute
	mostLifetime     = (1 << 32) * time.Second
)

// New implements rest.Storage.
func (r *TokenREST) New() runtime.Object { return &authenticationv1.TokenRequest{} }

// Destroy implements rest.Storage.
func (r *TokenREST) Destroy() {}

// GroupVersionKind implements rest.GroupVersionKindProvider: token requests are of another group than accounts.
func (r *TokenREST) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind {
	return authenticationv1.SchemeGroupVersion.WithKind("TokenRequest")
}

// Create implements rest.NamedCreater.
func (r *TokenREST) Create(ctx context.Context, name string, obj runtime.Object, validate rest.ValidateObjectFunc, _ *metav1.CreateOptions) (runtime.Object, error) {
	req, ok := obj.(*authenticationv1.TokenRequest)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("not a TokenRequest object: %T", obj))
	}
	found, err := r.accounts.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	sa := found.(*corev1.ServiceAccount)
	for _, fill := range []struct {
		value *string
		want  string
		what  string
	}{{&req.Name, sa.Name, "name"}, {&req.Namespace, sa.Namespace, "namespace"}} {
		if *fill.value == "" {
			*fill.value = fill.want
		} else if *fill.value != fill.want {
			errs := field.ErrorList{field.Invalid(field.NewPath("metadata", fill.what), *fill.value, fmt.Sprintf("must match the service account %s if specified", fill.what))}
			return nil, apierrors.NewInvalid(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest").GroupKind(), name, errs)
		}
	}
	rest.FillObjectMetaSystemFields(req)
	if req.Spec.ExpirationSeconds == nil {
		seconds := int64(time.Hour / time.Second)
		req.Spec.ExpirationSeconds = &seconds
	}
	if errs := validateRequest(req); len(errs) > 0 {
		return nil, apierrors.NewInvalid(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest").GroupKind(), "", errs)
	}
	if len(req.Spec.Audiences) == 0 {
		req.Spec.Audiences = r.c.Audiences
	}
	if validate != nil {
		if err := validate(ctx, obj.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	issue := serviceaccount.Request{Account: sa, Audiences: req.Spec.Audiences}
	if err := r.bind(ctx, req, &issue); err != nil {
		return nil, err
	}
	asked := time.Duration(*req.Spec.ExpirationSeconds) * time.Second
	if r.c.MaxExpiration > 0 && asked > r.c.MaxExpiration {
		asked = r.c.MaxExpiration
	}
	issue.Lifetime = asked
	if r.extend(req, asked) {
		issue.Lifetime, issue.WarnAfter = extendedLifetime, asked
		if r.c.MaxExtension > 0 {
			issue.Lifetime = min(extendedLifetime, r.c.MaxExtension)
		}
	}
	// A token is not stored anywhere, so a request that is only tried gets one as well.
	now := r.c.Clock.Now()
	token, id, expires, err := r.c.Issuer.Issue(ctx, issue, now)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	audit.AddAuditAnnotation(ctx, account.IssuedCredentialIDAuditAnnotationKey, tokenjwt.CredentialIDForJTI(id))
	if issue.WarnAfter > 0 {
		// Who asked must come again in time; the longer life is for those who never do.
		expires = now.Add(asked)
	}
	req.Status = authenticationv1.TokenRequestStatus{Token: token, ExpirationTimestamp: metav1.Time{Time: expires}}
	return req, nil
}

// extend tells whether the request is one for a mounted token, of the API server's own audience, that an old client may
// never read again.
func (r *TokenREST) extend(req *authenticationv1.TokenRequest, asked time.Duration) bool {
	return r.c.ExtendExpiration && asked == mountedLifetime && req.Spec.BoundObjectRef != nil && req.Spec.BoundObjectRef.Kind == "Pod" &&
		len(r.c.Audiences) > 0 && sameAudiences(req.Spec.Audiences, r.c.Audiences)
}

func sameAudiences(a, b []string) bool {
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || x == y
		}
		if !found {
			return false
		}
	}
	return true
}

// bind finds the object to which the token is to be bound, and makes sure that it is the one meant.
func (r *TokenREST) bind(ctx context.Context, req *authenticationv1.TokenRequest, issue *serviceaccount.Request) error {
	ref := req.Spec.BoundObjectRef
	if ref == nil {
		return nil
	}
	var uid types.UID
	switch ref.APIVersion + "/" + ref.Kind {
	case "v1/Pod":
		pod, err := r.c.Client.CoreV1().Pods(req.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			return notAsBound(err, "pods", ref.Name)
		}
		if pod.Spec.ServiceAccountName != req.Name {
			return apierrors.NewBadRequest(fmt.Sprintf("cannot bind token for serviceaccount %q to pod running with different serviceaccount name.", req.Name))
		}
		uid = pod.UID
		issue.Pod = &serviceaccount.Ref{Name: pod.Name, UID: string(pod.UID)}
		if pod.Spec.NodeName != "" {
			// The node is information beside the pod; one that is not there yet or any more is left out.
			issue.Node = &serviceaccount.Ref{Name: pod.Spec.NodeName}
			if node, err := r.c.Client.CoreV1().Nodes().Get(ctx, pod.Spec.NodeName, metav1.GetOptions{ResourceVersion: "0"}); err == nil {
				issue.Node.UID = string(node.UID)
			}
		}
	case "v1/Secret":
		secret, err := r.c.Client.CoreV1().Secrets(req.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			return notAsBound(err, "secrets", ref.Name)
		}
		uid = secret.UID
		issue.Secret = &serviceaccount.Ref{Name: secret.Name, UID: string(secret.UID)}
	case "v1/Node":
		node, err := r.c.Client.CoreV1().Nodes().Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			return notAsBound(err, "nodes", ref.Name)
		}
		uid = node.UID
		issue.Node = &serviceaccount.Ref{Name: node.Name, UID: string(node.UID)}
	default:
		return apierrors.NewBadRequest(fmt.Sprintf("cannot bind token to object of type %s", schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)))
	}
	if ref.UID != "" && ref.UID != uid {
		return apierrors.NewConflict(schema.GroupResource{Resource: ref.Kind}, ref.Name,
			fmt.Errorf("the UID in the bound object reference (%s) does not match the UID in record. The object might have been deleted and then recreated", ref.UID))
	}
	return nil
}

func notAsBound(err error, resource, name string) error {
	if apierrors.IsNotFound(err) {
		return apierrors.NewNotFound(schema.GroupResource{Resource: resource}, name)
	}
	return err
}

func validateRequest(req *authenticationv1.TokenRequest) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("spec", "expirationSeconds")
	seconds := *req.Spec.ExpirationSeconds
	if seconds < int64(leastLifetime/time.Second) {
		errs = append(errs, field.Invalid(path, seconds, "may not specify a duration less than 10 minutes"))
	}
	if seconds > int64(mostLifetime/time.Second) {
		errs = append(errs, field.Invalid(path, seconds, "may not specify a duration larger than 2^32 seconds"))
	}
	return errs
}
