package apirules_test

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules"
)

// kind is one kind as the tests here want it, which decode into any.
type kind struct {
	gvk        schema.GroupVersionKind
	resource   string
	namespaced bool
	*apirules.Kind
}

func (k kind) new() any                       { return k.New() }
func (k kind) setDefaults(o any)              { k.SetDefaults(o.(apirules.Object)) }
func (k kind) validate(o any) field.ErrorList { return k.ValidateCreate(o.(apirules.Object)) }
func (k kind) warnings(o any) []string        { return k.Warnings(o.(apirules.Object)) }
func (k kind) validateUpdate(o, old any) field.ErrorList {
	return k.ValidateUpdate(o.(apirules.Object), old.(apirules.Object))
}
func (k kind) validateStatus(o, old any) field.ErrorList {
	return k.ValidateStatusUpdate(o.(apirules.Object), old.(apirules.Object))
}

// kinds are all that have rules for being stored.
var kinds = func() []kind {
	var out []kind
	for _, k := range apirules.Kinds() {
		if !k.Review {
			out = append(out, kind{k.GroupVersionKind, k.Resource, k.Namespaced, k})
		}
	}
	return out
}()
