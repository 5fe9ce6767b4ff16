package stored

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/client-go/tools/cache"

	"tiphys.dev/tiphys/pkg/registry/table"
)

// Object is an API object with metadata.
type Object interface {
	runtime.Object
	metav1.Object
}

// Resource describes how the API server stores and serves one kind.
type Resource[T Object] struct {
	// Group, Name (plural) and Singular name the resource as in its URL. It has the versions in which the scheme knows its kind.
	Group, Name, Singular string
	// Namespaced tells whether objects live in a namespace.
	Namespaced bool
	// ShortNames and Categories are what kubectl understands beside the name.
	ShortNames, Categories []string

	New     func() T
	NewList func() runtime.Object

	// Spec and Status return pointers to the parts of the object; nil for a kind without that part. With Status set, users
	// cannot write the status through the main resource.
	Spec, Status func(T) any
	// CreateWithStatus keeps the status that the creator sends, for kinds whose objects are reported rather than ordered.
	CreateWithStatus bool
	// SpecKept says that no update changes the spec; nobody owns its fields then, as upstream has it, not even who created the object.
	SpecKept bool
	// Generation makes the server count changes of the spec in metadata.generation.
	Generation bool
	// CountAsSent makes the server count changes as the client sent them, before fields that are not taken are dropped.
	CountAsSent bool
	// NameGenerator makes names of prefixes; nil appends five random characters.
	NameGenerator names.NameGenerator
	// AnyFinalizers lets finalizers have names without a domain, as kinds have it whose rules came after that custom.
	AnyFinalizers bool
	// StatusFinalizers makes status updates check the names of finalizers, too.
	StatusFinalizers bool
	// StatusKeepsMetadata names the metadata that a status update cannot write, for kinds that protect it.
	StatusKeepsMetadata Kept
	// Changed tells whether an update raises the generation; nil means that the spec changed.
	Changed func(obj, old T) bool

	// DropDisabled removes fields whose feature gates are off, unless the old object uses them; old is nil on create.
	DropDisabled func(obj, old T)
	// PrepareForCreate and PrepareForUpdate change the object before validation, after the standard steps.
	PrepareForCreate func(ctx context.Context, obj T)
	PrepareForUpdate func(ctx context.Context, obj, old T)
	// PrepareForStatusUpdate does the same for the status subresource.
	PrepareForStatusUpdate func(ctx context.Context, obj, old T)

	// Decorate completes what was read from the store, as objects of older releases need it.
	Decorate func(obj T)

	// Validate, ValidateUpdate and ValidateStatusUpdate come from tiphys.dev/apirules.
	Validate             func(obj T) field.ErrorList
	ValidateUpdate       func(obj, old T) field.ErrorList
	ValidateStatusUpdate func(obj, old T) field.ErrorList
	// Warnings and UpdateWarnings come from there, too.
	Warnings       func(obj T) []string
	UpdateWarnings func(obj, old T) []string
	// Check, CheckUpdate and CheckStatusUpdate are rules that need the request: who asks, or what else is stored. They run after
	// the others.
	Check             func(ctx context.Context, obj T) field.ErrorList
	CheckUpdate       func(ctx context.Context, obj, old T) field.ErrorList
	CheckStatusUpdate func(ctx context.Context, obj, old T) field.ErrorList

	// CreateOnUpdate lets a PUT create the object.
	CreateOnUpdate bool
	// ConditionalUpdate demands a resource version in every update.
	ConditionalUpdate bool
	// Collect is the garbage collection default; empty means that dependents are deleted in the background.
	Collect rest.GarbageCollectionPolicy
	// Graceful decides about graceful deletion; nil deletes at once.
	Graceful func(ctx context.Context, obj T, options *metav1.DeleteOptions) bool

	// Gone tells whether an update of a deleted object leaves nothing that keeps it, besides its finalizers; nil means that only
	// those do. It holds for every subresource, too.
	Gone func(obj T) bool

	// Fields gives the values of selectable fields besides name and namespace (see scheme.selectable).
	Fields func(T) fields.Set
	// Indexed are selectable fields by which the watch cache finds objects and watchers without scanning.
	Indexed map[string]func(T) string
	// TTL gives the seconds after which the store forgets the object.
	TTL func(obj T, existing uint64, update bool) (uint64, error)
	// DeletedObject makes a delete return the object rather than a status.
	DeletedObject bool

	// Columns and Row print the resource as a table.
	Columns []table.Column
	Row     func(T) []any
	// RowConditions marks rows that clients may show otherwise, as completed pods are.
	RowConditions func(T) []metav1.TableRowCondition
}

// Storage is what the API server registers under a path such as "pods" or "pods/status".
type Storage = map[string]rest.Storage

// REST is the storage of a resource.
type REST struct {
	*genericregistry.Store
	shortNames, categories []string
}

// ShortNames implements rest.ShortNamesProvider.
func (r *REST) ShortNames() []string { return r.shortNames }

// Categories implements rest.CategoriesProvider.
func (r *REST) Categories() []string { return r.categories }

func (r *Resource[T]) groupResource() schema.GroupResource {
	return schema.GroupResource{Group: r.Group, Resource: r.Name}
}

// NewREST makes the storage of the resource.
func (r *Resource[T]) NewREST(getter generic.RESTOptionsGetter) (*REST, error) {
	s := newStrategy(r)
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return r.New() },
		NewListFunc:               r.NewList,
		DefaultQualifiedResource:  r.groupResource(),
		SingularQualifiedResource: schema.GroupResource{Group: r.Group, Resource: r.Singular},
		CreateStrategy:            s,
		UpdateStrategy:            s,
		DeleteStrategy:            s.forDelete(),
		ResetFieldsStrategy:       s,
		ReturnDeletedObject:       r.DeletedObject,
		TableConvertor:            table.New(r.groupResource(), r.Columns, r.Row, r.RowConditions),
		PredicateFunc:             r.predicate,
	}
	if r.Decorate != nil {
		store.Decorator = r.decorator
	}
	if r.Gone != nil {
		store.ShouldDeleteDuringUpdate = func(_ context.Context, _ string, obj, _ runtime.Object) bool { return r.Gone(obj.(T)) }
	}
	if r.TTL != nil {
		store.TTLFunc = func(obj runtime.Object, existing uint64, update bool) (uint64, error) {
			return r.TTL(obj.(T), existing, update)
		}
	}
	options := &generic.StoreOptions{RESTOptions: getter, AttrFunc: r.attributes}
	if len(r.Indexed) > 0 {
		options.TriggerFunc = map[string]storage.IndexerFunc{}
		indexers := cache.Indexers{}
		for name, value := range r.Indexed {
			options.TriggerFunc[name] = func(obj runtime.Object) string { return value(obj.(T)) }
			indexers[storage.FieldIndex(name)] = func(obj any) ([]string, error) {
				o, ok := obj.(T)
				if !ok {
					return nil, fmt.Errorf("indexing %s: unexpected type %T", r.Name, obj)
				}
				return []string{value(o)}, nil
			}
		}
		options.Indexers = &indexers
	}
	if err := store.CompleteWithOptions(options); err != nil {
		return nil, fmt.Errorf("storage of %s: %w", r.groupResource(), err)
	}
	return &REST{Store: store, shortNames: r.ShortNames, categories: r.Categories}, nil
}

// decorator completes an object or each of a list.
func (r *Resource[T]) decorator(obj runtime.Object) {
	if o, ok := obj.(T); ok {
		r.Decorate(o)
		return
	}
	// Anything else is a list of T; another object that passes here is left as it is.
	_ = meta.EachListItem(obj, func(item runtime.Object) error {
		if o, ok := item.(T); ok {
			r.Decorate(o)
		}
		return nil
	})
}

func (r *Resource[T]) predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	p := storage.SelectionPredicate{Label: label, Field: field, GetAttrs: r.attributes}
	for name := range r.Indexed {
		p.IndexFields = append(p.IndexFields, name)
	}
	return p
}

// attributes returns what selectors compare.
func (r *Resource[T]) attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	o, ok := obj.(T)
	if !ok {
		return nil, nil, fmt.Errorf("unexpected type %T in the storage of %s", obj, r.Name)
	}
	var set fields.Set
	if r.Fields != nil {
		set = r.Fields(o)
	} else {
		set = make(fields.Set, 2)
	}
	set["metadata.name"] = o.GetName()
	if r.Namespaced {
		set["metadata.namespace"] = o.GetNamespace()
	}
	return labels.Set(o.GetLabels()), set, nil
}

// Storage makes the storage of the resource and, for a kind with a status, of its status subresource.
func (r *Resource[T]) Storage(getter generic.RESTOptionsGetter) (Storage, *REST, error) {
	main, err := r.NewREST(getter)
	if err != nil {
		return nil, nil, err
	}
	s := Storage{r.Name: main}
	if r.Status != nil {
		s[r.Name+"/status"] = r.NewStatus(main)
	}
	return s, main, nil
}
