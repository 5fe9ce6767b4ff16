package resourceclaimtemplate

import (
	"context"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	claimrules "tiphys.dev/apirules/resource/resourceclaim"
	rules "tiphys.dev/apirules/resource/resourceclaimtemplate"

	"tiphys.dev/tiphys/pkg/registry/resource/resourceclaim"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*resourcev1.ResourceClaimTemplate]{
	Group: "resource.k8s.io", Name: "resourceclaimtemplates", Singular: "resourceclaimtemplate",
	Namespaced: true,

	New:     func() *resourcev1.ResourceClaimTemplate { return &resourcev1.ResourceClaimTemplate{} },
	NewList: func() runtime.Object { return &resourcev1.ResourceClaimTemplateList{} },

	DeletedObject:  true,
	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of resourceclaimtemplates. Templates of claims for admin access are looked up in namespaces.
func New(getter generic.RESTOptionsGetter, namespaces corev1client.NamespacesGetter) (stored.Storage, error) {
	guarded := *resource
	guarded.Check = func(ctx context.Context, o *resourcev1.ResourceClaimTemplate) field.ErrorList {
		return resourceclaim.CheckAdminAccess(ctx, namespaces, o.Namespace, claimrules.AdminRequests(&o.Spec.Spec))
	}
	s, _, err := guarded.Storage(getter)
	return s, err
}
