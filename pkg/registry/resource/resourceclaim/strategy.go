package resourceclaim

import (
	"context"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	rules "tiphys.dev/apirules/resource/resourceclaim"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*resourcev1.ResourceClaim]{
	Group: "resource.k8s.io", Name: "resourceclaims", Singular: "resourceclaim",
	Namespaced: true,

	New:     func() *resourcev1.ResourceClaim { return &resourcev1.ResourceClaim{} },
	NewList: func() runtime.Object { return &resourcev1.ResourceClaimList{} },
	Spec:    func(o *resourcev1.ResourceClaim) any { return &o.Spec },
	Status:  func(o *resourcev1.ResourceClaim) any { return &o.Status },

	DeletedObject:        true,
	StatusKeepsMetadata:  stored.Metadata,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of resourceclaims. Claims for admin access are looked up in namespaces.
func New(getter generic.RESTOptionsGetter, namespaces corev1client.NamespacesGetter) (stored.Storage, error) {
	guarded := *resource
	guarded.Check = func(ctx context.Context, o *resourcev1.ResourceClaim) field.ErrorList {
		return CheckAdminAccess(ctx, namespaces, o.Namespace, rules.AdminRequests(&o.Spec))
	}
	guarded.CheckStatusUpdate = func(ctx context.Context, o, old *resourcev1.ResourceClaim) field.ErrorList {
		return CheckAdminAccess(ctx, namespaces, o.Namespace, rules.AdminResults(o, old))
	}
	s, _, err := guarded.Storage(getter)
	return s, err
}
