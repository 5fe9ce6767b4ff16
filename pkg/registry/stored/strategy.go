package stored

import (
	"context"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tiphys.dev/apirules/check"

	"tiphys.dev/tiphys/pkg/api/scheme"
)

// strategy is the moments of an object's life, in the form the generic store asks for them.
type strategy[T Object] struct {
	runtime.ObjectTyper
	names.NameGenerator
	r *Resource[T]
}

var (
	_ rest.RESTCreateStrategy              = &strategy[Object]{}
	_ rest.RESTUpdateStrategy              = &strategy[Object]{}
	_ rest.GarbageCollectionDeleteStrategy = &strategy[Object]{}
	_ rest.RESTGracefulDeleteStrategy      = &gracefulStrategy[Object]{}
)

func newStrategy[T Object](r *Resource[T]) *strategy[T] {
	s := &strategy[T]{ObjectTyper: scheme.Scheme, NameGenerator: r.NameGenerator, r: r}
	if s.NameGenerator == nil {
		s.NameGenerator = names.SimpleNameGenerator
	}
	return s
}

func (s *strategy[T]) NamespaceScoped() bool          { return s.r.Namespaced }
func (s *strategy[T]) AllowCreateOnUpdate() bool      { return s.r.CreateOnUpdate }
func (s *strategy[T]) AllowUnconditionalUpdate() bool { return !s.r.ConditionalUpdate }
func (s *strategy[T]) Canonicalize(runtime.Object)    {}

func (s *strategy[T]) PrepareForCreate(ctx context.Context, obj runtime.Object) {
	o := obj.(T)
	if s.r.Status != nil && !s.r.CreateWithStatus {
		reset(s.r.Status(o))
	}
	if s.r.Generation {
		o.SetGeneration(1)
	}
	if s.r.DropDisabled != nil {
		var none T
		s.r.DropDisabled(o, none)
	}
	if s.r.PrepareForCreate != nil {
		s.r.PrepareForCreate(ctx, o)
	}
}

func (s *strategy[T]) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	o, before := obj.(T), old.(T)
	if s.r.Status != nil {
		assign(s.r.Status(o), s.r.Status(before))
	}
	changed := s.r.CountAsSent && s.r.changed(o, before)
	if s.r.DropDisabled != nil {
		s.r.DropDisabled(o, before)
	}
	if s.r.PrepareForUpdate != nil {
		s.r.PrepareForUpdate(ctx, o, before)
	}
	if s.r.Generation {
		o.SetGeneration(before.GetGeneration())
		if changed || s.r.changed(o, before) {
			o.SetGeneration(before.GetGeneration() + 1)
		}
	}
}

func (r *Resource[T]) changed(o, before T) bool {
	if r.Changed != nil {
		return r.Changed(o, before)
	}
	return !check.Same(r.Spec(o), r.Spec(before))
}

func (s *strategy[T]) Validate(ctx context.Context, obj runtime.Object) field.ErrorList {
	o := obj.(T)
	errs := s.finalizers(o)
	if s.r.Validate != nil {
		errs = append(errs, s.r.Validate(o)...)
	}
	if s.r.Check != nil {
		errs = append(errs, s.r.Check(ctx, o)...)
	}
	return errs
}

func (s *strategy[T]) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	o, before := obj.(T), old.(T)
	errs := s.finalizers(o)
	if s.r.ValidateUpdate != nil {
		errs = append(errs, s.r.ValidateUpdate(o, before)...)
	}
	if s.r.CheckUpdate != nil {
		errs = append(errs, s.r.CheckUpdate(ctx, o, before)...)
	}
	return errs
}

func (s *strategy[T]) finalizers(o T) field.ErrorList {
	if s.r.AnyFinalizers {
		return nil
	}
	return check.Finalizers(o.GetFinalizers(), field.NewPath("metadata", "finalizers"))
}

func (s *strategy[T]) WarningsOnCreate(_ context.Context, obj runtime.Object) []string {
	if s.r.Warnings == nil {
		return nil
	}
	return s.r.Warnings(obj.(T))
}

func (s *strategy[T]) WarningsOnUpdate(_ context.Context, obj, old runtime.Object) []string {
	if s.r.UpdateWarnings != nil {
		return s.r.UpdateWarnings(obj.(T), old.(T))
	}
	return nil
}

func (s *strategy[T]) DefaultGarbageCollectionPolicy(context.Context) rest.GarbageCollectionPolicy {
	if s.r.Collect == "" {
		return rest.DeleteDependents
	}
	return s.r.Collect
}

// GetResetFields tells server-side apply which fields of a request to the main resource are dropped, and so not owned.
func (s *strategy[T]) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	if s.r.Status == nil {
		return nil
	}
	parts := []fieldpath.Path{fieldpath.MakePathOrDie("status")}
	if s.r.SpecKept {
		parts = append(parts, fieldpath.MakePathOrDie("spec"))
	}
	return s.r.resetSet(parts...)
}

func (r *Resource[T]) resetSet(parts ...fieldpath.Path) map[fieldpath.APIVersion]*fieldpath.Set {
	out := map[fieldpath.APIVersion]*fieldpath.Set{}
	// Only a type that nobody registered has no kind, and such a resource could not be served at all.
	kinds, _, _ := scheme.Scheme.ObjectKinds(r.New())
	for _, kind := range kinds {
		if kind.Group != r.Group || kind.Version == runtime.APIVersionInternal {
			continue
		}
		for _, gv := range scheme.Scheme.VersionsForGroupKind(kind.GroupKind()) {
			if gv.Version != runtime.APIVersionInternal {
				out[fieldpath.APIVersion(gv.String())] = fieldpath.NewSet(parts...)
			}
		}
	}
	return out
}

// forDelete adds graceful deletion only where the resource has it: the generic store asks by type assertion.
func (s *strategy[T]) forDelete() rest.RESTDeleteStrategy {
	if s.r.Graceful == nil {
		return s
	}
	return &gracefulStrategy[T]{s}
}

type gracefulStrategy[T Object] struct{ *strategy[T] }

func (s *gracefulStrategy[T]) CheckGracefulDelete(ctx context.Context, obj runtime.Object, options *metav1.DeleteOptions) bool {
	return s.r.Graceful(ctx, obj.(T), options)
}

// reset makes what p points to its zero value; assign copies what from points to, without a deep copy: both objects belong
// to the request.
func reset(p any) { reflect.ValueOf(p).Elem().SetZero() }

func assign(to, from any) { reflect.ValueOf(to).Elem().Set(reflect.ValueOf(from).Elem()) }
