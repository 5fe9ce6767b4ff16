package custom

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/unstructuredscheme"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubeversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/registry/rest"
)

// definition is a kind of custom resources.
type definition struct {
	crd      *apiextensions.CustomResourceDefinition
	versions map[string]*version
}

// version is what is made of one version of a definition.
type version struct {
	schema   *structuralschema.Structural
	strategy rest.RESTCreateStrategy
	warning  string
}

// Check judges a custom resource. It tells false when no definition serves the kind.
func (d *Definitions) Check(gvk schema.GroupVersionKind, value map[string]any) (Result, bool) {
	def := d.byKind[gvk.GroupKind()]
	if def == nil {
		return Result{}, false
	}
	i := slices.IndexFunc(def.crd.Spec.Versions, func(v apiextensions.CustomResourceDefinitionVersion) bool {
		return v.Served && v.Name == gvk.Version
	})
	if i < 0 {
		return Result{}, false
	}
	var r Result
	v, err := def.version(gvk, &def.crd.Spec.Versions[i])
	if err != nil {
		r.Undecodable = err
		return r, true
	}
	if v.warning != "" {
		r.Warnings = append(r.Warnings, v.warning)
	}
	u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(value)}
	if r.Unknown, r.Undecodable = v.coerce(u); r.Undecodable != nil {
		return r, true
	}
	defaulting.Default(u.Object, v.schema)
	create(v.strategy, u, u, &r)
	return r, true
}

// Served lists the versions of a kind that a definition serves.
func (d *Definitions) Served(kind schema.GroupKind) []string {
	var out []string
	if def := d.byKind[kind]; def != nil {
		for _, v := range def.crd.Spec.Versions {
			if v.Served {
				out = append(out, v.Name)
			}
		}
	}
	return out
}

// version builds the schemas of a version once.
func (d *definition) version(gvk schema.GroupVersionKind, v *apiextensions.CustomResourceDefinitionVersion) (*version, error) {
	if have := d.versions[v.Name]; have != nil {
		return have, nil
	}
	props, err := apiextensions.GetSchemaForVersion(d.crd, v.Name)
	if err != nil {
		return nil, err
	}
	if props == nil || props.OpenAPIV3Schema == nil {
		return nil, fmt.Errorf("version %s of %s has no schema", v.Name, d.crd.Name)
	}
	structural, err := structuralschema.NewStructural(props.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", d.crd.Name, err)
	}
	if err := defaulting.PruneDefaults(structural); err != nil {
		return nil, fmt.Errorf("the defaults of %s: %w", d.crd.Name, err)
	}
	validator, _, err := validation.NewSchemaValidator(props.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", d.crd.Name, err)
	}
	sub, err := apiextensions.GetSubresourcesForVersion(d.crd, v.Name)
	if err != nil {
		return nil, err
	}
	var status *apiextensions.CustomResourceSubresourceStatus
	var scale *apiextensions.CustomResourceSubresourceScale
	if sub != nil {
		status, scale = sub.Status, sub.Scale
	}
	out := &version{schema: structural, strategy: customresource.NewStrategy(unstructuredscheme.NewUnstructuredObjectTyper(),
		d.crd.Spec.Scope == apiextensions.NamespaceScoped, gvk, validator, nil, structural, status, scale, nil)}
	if v.Deprecated {
		out.warning = d.deprecation(gvk, v)
	}
	d.versions[v.Name] = out
	return out, nil
}

// deprecation is the author's warning, or the server's.
func (d *definition) deprecation(gvk schema.GroupVersionKind, v *apiextensions.CustomResourceDefinitionVersion) string {
	if v.DeprecationWarning != nil {
		return *v.DeprecationWarning
	}
	newest := ""
	for _, other := range d.crd.Spec.Versions {
		newer := newest == "" || kubeversion.CompareKubeAwareVersionStrings(other.Name, newest) > 0
		if other.Served && !other.Deprecated && newer && kubeversion.CompareKubeAwareVersionStrings(other.Name, v.Name) > 0 {
			newest = other.Name
		}
	}
	text := fmt.Sprintf("%s %s is deprecated", gvk.GroupVersion(), gvk.Kind)
	if newest == "" {
		return text
	}
	return text + fmt.Sprintf("; use %s/%s %s", gvk.Group, newest, gvk.Kind)
}

// coerce removes and names what the schema does not know, in metadata, too.
func (v *version) coerce(u *unstructured.Unstructured) (unknown []error, err error) {
	apiVersion, kind := u.GetAPIVersion(), u.GetKind()
	meta, found, paths, err := objectmeta.GetObjectMetaWithOptions(u.Object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, err
	}
	paths = append(paths, pruning.PruneWithOptions(u.Object, v.schema, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	defaulting.PruneNonNullableNullsWithoutDefaults(u.Object, v.schema)
	fieldErr, embedded := objectmeta.CoerceWithOptions(nil, u.Object, v.schema, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if fieldErr != nil {
		return nil, errors.New(fieldErr.Error())
	}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	if found {
		if err := objectmeta.SetObjectMeta(u.Object, meta); err != nil {
			return nil, err
		}
	}
	for _, path := range append(paths, embedded...) {
		unknown = append(unknown, fmt.Errorf("unknown field %q", path))
	}
	return unknown, nil
}
