package scheme

import (
	"reflect"

	admissionregistrationv1alpha1 "k8s.io/api/admissionregistration/v1alpha1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"tiphys.dev/apirules"

	"tiphys.dev/tiphys/pkg/api/alike"
)

// versions copies between an unstable version of a kind and its hub.
var versions = newVersions()

func newVersions() *alike.Copier {
	c := &alike.Copier{}
	// Where one version leaves out what is empty, another points to it.
	alike.Add(c, func(dst **string, src *string) error { *dst = nonZero(*src); return nil })
	alike.Add(c, func(dst *string, src **string) error { *dst = orZero(*src); return nil })
	alike.Add(c, func(dst **bool, src *bool) error { *dst = nonZero(*src); return nil })
	alike.Add(c, func(dst *bool, src **bool) error { *dst = orZero(*src); return nil })
	alike.Add(c, func(dst **int32, src *int32) error { *dst = nonZero(*src); return nil })
	alike.Add(c, func(dst *int32, src **int32) error { *dst = orZero(*src); return nil })
	addDeviceRules(c)
	return c
}

func nonZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func orZero[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

// copyVersion is the conversion of every kind between its hub and another version.
func copyVersion(a, b any, _ conversion.Scope) error { return versions.Copy(b, a) }

// registerConversions converts the unstable versions of a group's kinds to and from the types in memory, and fills in their defaults.
func registerConversions(s *runtime.Scheme, g Group) {
	for _, v := range g.Unstable {
		gv := schema.GroupVersion{Group: g.Name, Version: v.Name}
		for _, kind := range v.Kinds {
			for _, name := range []string{kind, kind + "List"} {
				obj, err := s.New(gv.WithKind(name))
				utilruntime.Must(err)
				hub, err := s.New(schema.GroupVersionKind{Group: g.Name, Version: runtime.APIVersionInternal, Kind: name})
				utilruntime.Must(err)
				if reflect.TypeOf(obj) == reflect.TypeOf(hub) {
					continue
				}
				utilruntime.Must(s.AddConversionFunc(obj, hub, copyVersion))
				utilruntime.Must(s.AddConversionFunc(hub, obj, copyVersion))
				if hasDefaults(s, hub, kind) {
					s.AddTypeDefaultingFunc(obj, defaultsOf(s, hub))
				}
			}
		}
	}
}

// hasDefaults tells whether the hub of a kind fills in anything.
func hasDefaults(s *runtime.Scheme, hub runtime.Object, kind string) bool {
	all, _, err := s.ObjectKinds(hub)
	utilruntime.Must(err)
	for _, gvk := range all {
		rules, ok := apirules.Lookup(gvk.GroupVersion().WithKind(kind))
		if ok && rules.HasDefaults() {
			return true
		}
	}
	return false
}

// defaultsOf fills in another version of a kind what its hub has: there and back.
func defaultsOf(s *runtime.Scheme, hub runtime.Object) func(any) {
	of := reflect.TypeOf(hub).Elem()
	return func(obj any) {
		beforeDefaults(obj)
		filled := reflect.New(of).Interface().(runtime.Object)
		// What cannot be copied cannot be converted, which is said then.
		if versions.Copy(filled, obj) != nil {
			return
		}
		s.Default(filled)
		_ = versions.Copy(obj, filled)
	}
}

// beforeDefaults fills in what another version has and its hub has not.
func beforeDefaults(obj any) {
	if b, ok := obj.(*admissionregistrationv1alpha1.MutatingAdmissionPolicyBinding); ok && b.Spec.ParamRef != nil && b.Spec.ParamRef.ParameterNotFoundAction == nil {
		deny := admissionregistrationv1alpha1.DenyAction
		b.Spec.ParamRef.ParameterNotFoundAction = &deny
	}
}
