package custom

import (
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsinstall "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration"
	apiregistrationinstall "k8s.io/kube-aggregator/pkg/apis/apiregistration/install"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/registry/apiservice"
)

// IsDefinition tells whether a kind is that of definitions, in the version that is served.
func IsDefinition(gvk schema.GroupVersionKind) bool {
	return gvk == apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition")
}

// IsRegistration tells whether a kind is that of registrations of API servers.
func IsRegistration(gvk schema.GroupVersionKind) bool {
	return gvk == apiregistrationv1.SchemeGroupVersion.WithKind("APIService")
}

// Definitions are those of the input.
type Definitions struct {
	scheme *runtime.Scheme
	byKind map[schema.GroupKind]*definition
}

// New makes an empty set.
func New() *Definitions { return &Definitions{byKind: map[schema.GroupKind]*definition{}} }

// types is the scheme, made when it is first needed.
func (d *Definitions) types() *runtime.Scheme {
	if d.scheme == nil {
		d.scheme = runtime.NewScheme()
		apiextensionsinstall.Install(d.scheme)
		apiregistrationinstall.Install(d.scheme)
	}
	return d.scheme
}

// Add judges a definition and, if it is valid, learns it.
func (d *Definitions) Add(value map[string]any) Result {
	var r Result
	crd, kept := &apiextensionsv1.CustomResourceDefinition{}, &apiextensions.CustomResourceDefinition{}
	if !read(value, crd, &r) || !d.convert(crd, kept, &r) {
		return r
	}
	create(customresourcedefinition.NewStrategy(d.types()), kept, kept, &r)
	if len(r.Causes) == 0 && r.Undecodable == nil {
		d.byKind[schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}] = &definition{crd: kept, versions: map[string]*version{}}
	}
	return r
}

// CheckRegistration judges the registration of an API server.
func (d *Definitions) CheckRegistration(value map[string]any) Result {
	var r Result
	service, kept := &apiregistrationv1.APIService{}, &apiregistration.APIService{}
	if read(value, service, &r) && d.convert(service, kept, &r) {
		create(apiservice.NewStrategy(d.types()), kept, kept, &r)
	}
	return r
}

// convert fills in the defaults and goes to the form that is validated.
func (d *Definitions) convert(from, to runtime.Object, r *Result) bool {
	d.types().Default(from)
	r.Undecodable = d.types().Convert(from, to, nil)
	return r.Undecodable == nil
}
