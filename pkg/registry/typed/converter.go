package typed

import (
	"fmt"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/validation/spec"
	smdschema "sigs.k8s.io/structured-merge-diff/v6/schema"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"tiphys.dev/tiphys/pkg/apiserver/stack"
)

// Converter is a managedfields.TypeConverter of Go types.
type Converter struct {
	managedfields.TypeConverter
	types map[schema.GroupVersionKind]objectType
}

// objectType is what a kind is in the schema.
type objectType struct {
	schema *smdschema.Schema
	ref    smdschema.TypeRef
}

// New makes the converter of these OpenAPI schemas for kinds of the scheme.
func New(schemas map[string]*spec.Schema, scheme *runtime.Scheme) (*Converter, error) {
	published, err := managedfields.NewTypeConverter(schemas, false)
	if err != nil {
		return nil, fmt.Errorf("reading the schemas of the kinds: %w", err)
	}
	c := &Converter{published, map[schema.GroupVersionKind]objectType{}}
	for gvk := range scheme.AllKnownTypes() {
		empty, err := scheme.New(gvk)
		if err != nil {
			return nil, err
		}
		empty.GetObjectKind().SetGroupVersionKind(gvk)
		// Kinds without a resource, such as options, have no schema here.
		if v, err := published.ObjectToTyped(empty, typed.AllowDuplicates); err == nil {
			c.types[gvk] = objectType{v.Schema(), v.TypeRef()}
		}
	}
	return c, nil
}

// ObjectToTyped is the object with its schema. It fails with what managedfields has for kinds without one.
func (c *Converter) ObjectToTyped(obj runtime.Object, opts ...typed.ValidationOptions) (*typed.TypedValue, error) {
	// Changes of fields run in a goroutine of their own, and this is the first that is known of it.
	stack.Deep()
	t, known := c.types[obj.GetObjectKind().GroupVersionKind()]
	if _, plain := obj.(runtime.Unstructured); plain || !known || !slices.Contains(opts, typed.AllowDuplicates) {
		return c.TypeConverter.ObjectToTyped(obj, opts...)
	}
	v, err := value.NewValueReflect(obj)
	if err != nil {
		return nil, fmt.Errorf("looking into a %T: %w", obj, err)
	}
	return typed.AsTypedUnvalidated(object{v, obj}, t.schema, t.ref), nil
}

// TypedToObject is one with the fields of the object that has become a value, or one of maps with its fields. Who converts the object
// further writes another version into it, and the value must not forget its own.
func (c *Converter) TypedToObject(v *typed.TypedValue) (runtime.Object, error) {
	if o, ok := v.AsValue().(object); ok {
		old := reflect.ValueOf(o.Object).Elem()
		shallow := reflect.New(old.Type())
		shallow.Elem().Set(old)
		return shallow.Interface().(runtime.Object), nil
	}
	return c.TypeConverter.TypedToObject(v)
}

// object is a value that knows of which object it is.
type object struct {
	value.Value
	runtime.Object
}
