package apirules

import (
	"path"
	"reflect"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	pathvalidation "k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// Object is what every kind is: an API object with metadata.
type Object interface {
	runtime.Object
	metav1.Object
}

// Kind is the rules of one kind with its Go type left out, for programs that treat all kinds alike. An object given to it must
// be of the type that New returns; another one panics, as a wrong type assertion does.
type Kind struct {
	schema.GroupVersionKind
	// Resource is the plural name in URLs.
	Resource   string
	Namespaced bool
	// Review kinds are questions and orders that the server answers and does not store: they are never updated.
	Review bool

	create         func() Object
	list           runtime.Object
	defaults       func(Object)
	prepare        func(Object)
	validate       func(Object) field.ErrorList
	validateUpdate func(obj, old Object) field.ErrorList
	validateStatus func(obj, old Object) field.ErrorList
	warnings       func(Object) []string
	updateWarnings func(obj, old Object) []string
}

// Kinds lists every kind that a client can create, sorted by group and kind; what is answered and not stored comes last.
func Kinds() []*Kind { return append([]*Kind(nil), kinds...) }

// Lookup finds the rules of a kind. Only the version in which the server keeps the objects has rules: a server converts
// autoscaling/v1 to autoscaling/v2 before it validates.
func Lookup(gvk schema.GroupVersionKind) (*Kind, bool) {
	for _, k := range kinds {
		if k.GroupVersionKind == gvk {
			return k, true
		}
	}
	return nil, false
}

// New makes an empty object of the kind.
func (k *Kind) New() Object { return k.create() }

// HasDefaults tells whether SetDefaults fills in anything.
func (k *Kind) HasDefaults() bool { return k.defaults != nil }

// SetDefaults fills in what the server does when it has decoded an object. Twice is the same as once.
func (k *Kind) SetDefaults(obj Object) {
	if k.defaults != nil {
		k.defaults(obj)
	}
}

// PrepareForCreate changes a new object as the server does between decoding and validation: it takes away what only the server
// may say (times, UID, status, fields of features that are off), makes a name from generateName and fills in what it derives
// from other fields. Names, UIDs and selectors made here are stand-ins for the server's.
func (k *Kind) PrepareForCreate(obj Object) {
	if k.Review {
		return
	}
	prepareMetadata(obj, k.Namespaced)
	if k.prepare != nil {
		k.prepare(obj)
	}
}

// ValidateCreate says what the server would refuse of a new object that has its defaults and is prepared.
func (k *Kind) ValidateCreate(obj Object) field.ErrorList {
	if k.Review {
		return k.validate(obj)
	}
	errs := append(check.Finalizers(obj.GetFinalizers(), field.NewPath("metadata", "finalizers")), k.validate(obj)...)
	if len(errs) > 0 {
		return errs
	}
	return apivalidation.ValidateObjectMetaAccessor(obj, k.Namespaced, pathvalidation.ValidatePathSegmentName, field.NewPath("metadata"))
}

// ValidateUpdate says what the server would refuse of a changed object; both have their defaults.
func (k *Kind) ValidateUpdate(obj, old Object) field.ErrorList {
	if k.validateUpdate == nil {
		return nil
	}
	return append(check.Finalizers(obj.GetFinalizers(), field.NewPath("metadata", "finalizers")), k.validateUpdate(obj, old)...)
}

// ValidateStatusUpdate says the same of a changed status.
func (k *Kind) ValidateStatusUpdate(obj, old Object) field.ErrorList {
	if k.validateStatus == nil {
		return nil
	}
	return k.validateStatus(obj, old)
}

// Warnings are those of the server for a new object that it accepts.
func (k *Kind) Warnings(obj Object) []string {
	if k.warnings == nil {
		return nil
	}
	return k.warnings(obj)
}

// UpdateWarnings are those for a change that it accepts.
func (k *Kind) UpdateWarnings(obj, old Object) []string {
	if k.updateWarnings == nil {
		return nil
	}
	return k.updateWarnings(obj, old)
}

// rules are the functions of one kind; nil means that there is nothing to do.
type rules[T any] struct {
	defaults       func(*T)
	prepare        func(*T)
	create         func(*T) field.ErrorList
	update, status func(obj, old *T) field.ErrorList
	warnings       func(*T) []string
	updateWarnings func(obj, old *T) []string
	// keepsStatus: the creator may send one, as kubelets do.
	keepsStatus bool
}

const (
	namespaced    = true
	clusterScoped = false
)

// stored is a row for a kind whose objects are kept.
func stored[T any, P interface {
	*T
	Object
}](group, kind, resource string, inNamespace bool, list runtime.Object, r rules[T]) *Kind {
	k := review[T, P](group, kind, resource, inNamespace, r)
	k.Review, k.list = false, list
	k.prepare = func(o Object) {
		if !r.keepsStatus {
			resetStatus(o)
		}
		if r.prepare != nil {
			r.prepare(o.(P))
		}
	}
	if r.update != nil {
		k.validateUpdate = func(o, old Object) field.ErrorList { return r.update(o.(P), old.(P)) }
	}
	if r.status != nil {
		k.validateStatus = func(o, old Object) field.ErrorList { return r.status(o.(P), old.(P)) }
	}
	if r.warnings != nil {
		k.warnings = func(o Object) []string { return r.warnings(o.(P)) }
	}
	if r.updateWarnings != nil {
		k.updateWarnings = func(o, old Object) []string { return r.updateWarnings(o.(P), old.(P)) }
	}
	return k
}

// review is a row for a kind that is answered only. The version is that of the type's package.
func review[T any, P interface {
	*T
	Object
}](group, kind, resource string, inNamespace bool, r rules[T]) *Kind {
	version := path.Base(reflect.TypeFor[T]().PkgPath())
	k := &Kind{
		GroupVersionKind: schema.GroupVersionKind{Group: group, Version: version, Kind: kind},
		Resource:         resource, Namespaced: inNamespace, Review: true,
		create:   func() Object { return P(new(T)) },
		validate: func(o Object) field.ErrorList { return r.create(o.(P)) },
	}
	if r.defaults != nil {
		k.defaults = func(o Object) { r.defaults(o.(P)) }
	}
	return k
}
