package resourceclaimtemplate

import (
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/resource/resourceclaimtemplate"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*resourcev1.ResourceClaimTemplate]{
	Group: "resource.k8s.io", Name: "resourceclaimtemplates", Singular: "resourceclaimtemplate", Versions: []string{"v1"},
	Namespaced: true,

	New:     func() *resourcev1.ResourceClaimTemplate { return &resourcev1.ResourceClaimTemplate{} },
	NewList: func() runtime.Object { return &resourcev1.ResourceClaimTemplateList{} },

	DeletedObject:  true,
	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of resourceclaimtemplates.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
