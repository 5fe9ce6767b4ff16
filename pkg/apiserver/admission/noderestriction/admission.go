package noderestriction

import (
	"context"
	"fmt"
	"io"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-base/featuregate"

	"tiphys.dev/tiphys/pkg/apiserver/authz/node"
)

// PluginName is the plugin's name.
const PluginName = "NodeRestriction"

// audienceRestriction is the gate of the rule on audiences of tokens.
const audienceRestriction featuregate.Feature = "ServiceAccountNodeAudienceRestriction"

// Plugin checks what kubelets do.
type Plugin struct {
	*admission.Handler
	pods       corelisters.PodLister
	nodes      corelisters.NodeLister
	claims     corelisters.PersistentVolumeClaimLister
	volumes    corelisters.PersistentVolumeLister
	drivers    storagelisters.CSIDriverLister
	authorizer authorizer.Authorizer
	// restrictAudiences lets tokens be asked only for audiences that the pod names.
	restrictAudiences bool
}

var (
	_ admission.MutationInterface                  = &Plugin{}
	_ initializer.WantsExternalKubeInformerFactory = &Plugin{}
	_ initializer.WantsFeatures                    = &Plugin{}
	_ initializer.WantsAuthorizer                  = &Plugin{}
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update, admission.Delete)}, nil
	})
}

// InspectFeatureGates implements initializer.WantsFeatures.
func (p *Plugin) InspectFeatureGates(g featuregate.FeatureGate) {
	p.restrictAudiences = g.Enabled(audienceRestriction)
}

// SetAuthorizer implements initializer.WantsAuthorizer.
func (p *Plugin) SetAuthorizer(a authorizer.Authorizer) { p.authorizer = a }

// SetExternalKubeInformerFactory implements initializer.WantsExternalKubeInformerFactory.
func (p *Plugin) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	core := f.Core().V1()
	p.pods, p.nodes = core.Pods().Lister(), core.Nodes().Lister()
	synced := []cache.InformerSynced{core.Pods().Informer().HasSynced, core.Nodes().Informer().HasSynced}
	if p.restrictAudiences {
		p.claims, p.volumes = core.PersistentVolumeClaims().Lister(), core.PersistentVolumes().Lister()
		p.drivers = f.Storage().V1().CSIDrivers().Lister()
		synced = append(synced, core.PersistentVolumeClaims().Informer().HasSynced,
			core.PersistentVolumes().Informer().HasSynced, f.Storage().V1().CSIDrivers().Informer().HasSynced)
	}
	p.SetReadyFunc(func() bool {
		return !slices.ContainsFunc(synced, func(s cache.InformerSynced) bool { return !s() })
	})
}

// ValidateInitialization implements admission.InitializationValidator.
func (p *Plugin) ValidateInitialization() error {
	if p.pods == nil || p.nodes == nil || p.authorizer == nil {
		return fmt.Errorf("%s needs informers and an authorizer", PluginName)
	}
	return nil
}

// Admit implements admission.MutationInterface. Nothing is changed, but what the node sent must be seen before defaults and
// storage touch it: an empty list of audiences, for one, is filled in later.
func (p *Plugin) Admit(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	u := a.GetUserInfo()
	if u == nil || !slices.Contains(u.GetGroups(), user.NodesGroup) {
		return nil
	}
	name, ok := node.NodeName(u)
	if !ok {
		return admission.NewForbidden(a, fmt.Errorf("could not determine node from user %q", u.GetName()))
	}
	r := &request{Attributes: a, node: name}
	if !p.WaitForReady() {
		return r.refuse("not yet ready to handle request")
	}
	switch a.GetResource().GroupResource() {
	case corev1.Resource("pods"):
		return p.pod(r)
	case corev1.Resource("nodes"):
		return nodeObject(r)
	case corev1.Resource("persistentvolumeclaims"):
		return claim(r)
	case corev1.Resource("serviceaccounts"):
		return p.token(ctx, r)
	case coordinationv1.Resource("leases"):
		return lease(r)
	case storagev1.Resource("csinodes"):
		return csiNode(r)
	case resourcev1.Resource("resourceslices"):
		return slice(r)
	case certificatesv1.Resource("certificatesigningrequests"):
		return csr(r)
	}
	return nil
}

// request is what a node wants.
type request struct {
	admission.Attributes
	// node is the name of the node that asks.
	node string
}

func (r *request) refuse(format string, args ...any) error {
	return admission.NewForbidden(r.Attributes, fmt.Errorf(format, args...))
}

// targetName is the name of the object, which a create may carry in the object only.
func (r *request) targetName(inObject string) string {
	if r.GetOperation() == admission.Create {
		return inObject
	}
	return r.GetName()
}
