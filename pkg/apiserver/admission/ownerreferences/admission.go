package ownerreferences

import (
	"context"
	"fmt"
	"io"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// PluginName is the plugin's name.
const PluginName = "OwnerReferencesPermissionEnforcement"

// Plugin checks owner references of everything.
type Plugin struct {
	*admission.Handler
	authorizer authorizer.Authorizer
	mapper     meta.RESTMapper
}

var (
	_ admission.ValidationInterface = &Plugin{}
	_ initializer.WantsAuthorizer   = &Plugin{}
	_ initializer.WantsRESTMapper   = &Plugin{}
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}, nil
	})
}

// SetAuthorizer implements initializer.WantsAuthorizer.
func (p *Plugin) SetAuthorizer(a authorizer.Authorizer) { p.authorizer = a }

// SetRESTMapper implements initializer.WantsRESTMapper.
func (p *Plugin) SetRESTMapper(m meta.RESTMapper) { p.mapper = m }

// ValidateInitialization implements admission.InitializationValidator.
func (p *Plugin) ValidateInitialization() error {
	if p.authorizer == nil || p.mapper == nil {
		return fmt.Errorf("%s needs an authorizer and a REST mapper", PluginName)
	}
	return nil
}

// Validate implements admission.ValidationInterface.
func (p *Plugin) Validate(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	// Bindings and evictions of pods carry metadata that is not the pod's own, and cannot change its owners.
	if r := a.GetResource().GroupResource(); r == (schema.GroupResource{Resource: "pods"}) && a.GetSubresource() != "" && a.GetSubresource() != "status" {
		return nil
	}
	now, old := owners(a.GetObject()), owners(a.GetOldObject())
	// Who may create an object may do so with owners.
	if a.GetOperation() == admission.Update && !apiequality.Semantic.DeepEqual(now, old) {
		if err := p.mayDelete(ctx, a); err != nil {
			return err
		}
	}
	return p.mayBlock(ctx, a, newlyBlocking(now, old))
}

func owners(o runtime.Object) []metav1.OwnerReference {
	if o == nil {
		return nil
	}
	m, err := meta.Accessor(o)
	if err != nil {
		// What has no metadata has no owners.
		return nil
	}
	return m.GetOwnerReferences()
}

func (p *Plugin) mayDelete(ctx context.Context, a admission.Attributes) error {
	decision, reason, err := p.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User: a.GetUserInfo(), Verb: "delete", Namespace: a.GetNamespace(), Name: a.GetName(),
		APIGroup: a.GetResource().Group, APIVersion: a.GetResource().Version, Resource: a.GetResource().Resource, Subresource: a.GetSubresource(),
		ResourceRequest: true,
	})
	if decision != authorizer.DecisionAllow {
		return admission.NewForbidden(a, fmt.Errorf("cannot set an ownerRef on a resource you can't delete: %v, %v", reason, err))
	}
	return nil
}

// newlyBlocking returns the references that begin to block the deletion of their owner.
func newlyBlocking(now, old []metav1.OwnerReference) []metav1.OwnerReference {
	did := map[any]bool{}
	for _, o := range old {
		if blocks(o) {
			did[o.UID] = true
		}
	}
	var all []metav1.OwnerReference
	for _, o := range now {
		if blocks(o) && !did[o.UID] {
			all = append(all, o)
		}
	}
	return all
}

func blocks(o metav1.OwnerReference) bool {
	return o.BlockOwnerDeletion != nil && *o.BlockOwnerDeletion
}

func (p *Plugin) mayBlock(ctx context.Context, a admission.Attributes, refs []metav1.OwnerReference) error {
	for _, ref := range refs {
		records, err := p.finalizers(a, ref)
		if err != nil {
			return admission.NewForbidden(a, fmt.Errorf("cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion %v Kind %v: %w", ref.APIVersion, ref.Kind, err))
		}
		for _, r := range records {
			decision, reason, err := p.authorizer.Authorize(ctx, r)
			if decision != authorizer.DecisionAllow {
				return admission.NewForbidden(a, fmt.Errorf("cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: %v, %v", reason, err))
			}
		}
	}
	return nil
}

// finalizers are the permissions of which all are needed to set finalizers of the owner, in each resource that its kind has.
func (p *Plugin) finalizers(a admission.Attributes, ref metav1.OwnerReference) ([]authorizer.Attributes, error) {
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return nil, err
	}
	mappings, err := p.mapper.RESTMappings(schema.GroupKind{Group: gv.Group, Kind: ref.Kind}, gv.Version)
	if err != nil {
		return nil, err
	}
	var all []authorizer.Attributes
	for _, m := range mappings {
		r := authorizer.AttributesRecord{
			User: a.GetUserInfo(), Verb: "update", Name: ref.Name, ResourceRequest: true,
			APIGroup: m.Resource.Group, APIVersion: m.Resource.Version, Resource: m.Resource.Resource, Subresource: "finalizers",
		}
		if m.Scope.Name() == meta.RESTScopeNameNamespace {
			r.Namespace = a.GetNamespace()
		}
		all = append(all, r)
	}
	return all, nil
}
