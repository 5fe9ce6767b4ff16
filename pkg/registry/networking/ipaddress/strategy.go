package ipaddress

import (
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/networking/ipaddress"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*networkingv1.IPAddress]{
	Group: "networking.k8s.io", Name: "ipaddresses", Singular: "ipaddress",
	ShortNames: []string{"ip"},

	New:     func() *networkingv1.IPAddress { return &networkingv1.IPAddress{} },
	NewList: func() runtime.Object { return &networkingv1.IPAddressList{} },
	Spec:    func(o *networkingv1.IPAddress) any { return &o.Spec },

	NameGenerator: asGiven{},

	Validate:       rules.Validate,
	ValidateUpdate: rules.ValidateUpdate,

	Columns: columns,
	Row:     row,
}

// asGiven adds nothing to a prefix: an address with five characters behind it is none.
type asGiven struct{}

func (asGiven) GenerateName(base string) string { return base }

// New makes the storage of ipaddresses.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
