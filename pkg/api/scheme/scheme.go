package scheme

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"tiphys.dev/apirules"
)

// Group is one API group as the server holds it.
type Group struct {
	// Name is the group's name; empty for the core group.
	Name string
	// Versions are the versions served unless --runtime-config says otherwise, the preferred one first. The first is the hub: its types
	// are the in-memory types. A kind that no version of them has is held in the first of the unstable ones that has it.
	Versions []string

	install []func(*runtime.Scheme) error
	// Unstable are its alpha and beta versions, the preferred one first.
	Unstable []Version
}

// Groups lists every group of the standard API with its versions.
var Groups = []Group{
	{"", []string{"v1"}, []func(*runtime.Scheme) error{corev1.AddToScheme}, nil},
	{"admissionregistration.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{admissionregistrationv1.AddToScheme}, unstableAdmission},
	{"apps", []string{"v1"}, []func(*runtime.Scheme) error{appsv1.AddToScheme}, nil},
	{"authentication.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{authenticationv1.AddToScheme}, nil},
	{"authorization.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{authorizationv1.AddToScheme}, nil},
	{"autoscaling", []string{"v2", "v1"}, []func(*runtime.Scheme) error{autoscalingv2.AddToScheme, autoscalingv1.AddToScheme}, nil},
	{"batch", []string{"v1"}, []func(*runtime.Scheme) error{batchv1.AddToScheme}, nil},
	{"certificates.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{certificatesv1.AddToScheme}, unstableCertificates},
	{"coordination.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{coordinationv1.AddToScheme}, unstableCoordination},
	{"discovery.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{discoveryv1.AddToScheme}, nil},
	{"events.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{eventsv1.AddToScheme}, nil},
	{"flowcontrol.apiserver.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{flowcontrolv1.AddToScheme}, unstableFlowcontrol},
	{"internal.apiserver.k8s.io", nil, nil, unstableInternal},
	{"networking.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{networkingv1.AddToScheme}, unstableNetworking},
	{"node.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{nodev1.AddToScheme}, nil},
	{"policy", []string{"v1"}, []func(*runtime.Scheme) error{policyv1.AddToScheme}, nil},
	{"rbac.authorization.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{rbacv1.AddToScheme}, nil},
	{"resource.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{resourcev1.AddToScheme}, unstableResource},
	{"scheduling.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{schedulingv1.AddToScheme}, nil},
	{"storage.k8s.io", []string{"v1"}, []func(*runtime.Scheme) error{storagev1.AddToScheme}, unstableStorage},
	{"storagemigration.k8s.io", nil, nil, unstableMigration},
}

var (
	// Scheme knows every standard kind, its defaults and its conversions. It must not be changed after start.
	Scheme = New()
	// Codecs encodes and decodes the kinds of Scheme. Strict decoding is on, so that field validation can name what is unknown.
	Codecs = serializer.NewCodecFactory(Scheme, serializer.EnableStrict)
	// ParameterCodec decodes query parameters into option kinds.
	ParameterCodec = runtime.NewParameterCodec(Scheme)
)

// New builds a scheme of its own; everybody but tests uses Scheme.
func New() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, g := range Groups {
		for _, install := range g.install {
			utilruntime.Must(install(s))
		}
		for _, v := range g.Unstable {
			registerUnstable(s, g.Name, v)
		}
		utilruntime.Must(s.SetVersionPriority(g.GroupVersions()...))
		if g.Name == eventsv1.GroupName {
			registerEvents(s)
		}
		registerHub(s, g)
	}
	registerAutoscaling(s)
	registerEviction(s)
	utilruntime.Must(registerOptions(s))
	utilruntime.Must(registerFields(s))
	metav1.AddToGroupVersion(s, schema.GroupVersion{Version: "v1"})
	apirules.AddDefaults(s)
	registerWireDefaults(s)
	for _, g := range Groups {
		registerConversions(s, g)
	}
	return s
}

// GroupVersions are all versions of the group, the preferred one first.
func (g Group) GroupVersions() []schema.GroupVersion {
	var out []schema.GroupVersion
	for _, v := range g.Versions {
		out = append(out, schema.GroupVersion{Group: g.Name, Version: v})
	}
	for _, v := range g.Unstable {
		out = append(out, schema.GroupVersion{Group: g.Name, Version: v.Name})
	}
	return out
}

// registerHub makes the types of the group's versions its in-memory types. Where two versions have a kind of one name, the
// hub's is taken; a kind that only a later version has (autoscaling/v1 Scale) is taken from there.
func registerHub(s *runtime.Scheme, g Group) {
	internal := schema.GroupVersion{Group: g.Name, Version: runtime.APIVersionInternal}
	for _, gv := range g.GroupVersions() {
		for kind, t := range s.KnownTypes(gv) {
			if t.PkgPath() == metaPackage || s.Recognizes(internal.WithKind(kind)) {
				continue
			}
			obj, err := s.New(gv.WithKind(kind))
			utilruntime.Must(err)
			s.AddKnownTypeWithName(internal.WithKind(kind), obj)
		}
	}
}

// metaPackage holds the option and watch kinds that every group version registers; they are no kinds of a group.
const metaPackage = "k8s.io/apimachinery/pkg/apis/meta/v1"

// registerEviction lets clients that still post policy/v1beta1 evictions do so, as the documentation promises.
func registerEviction(s *runtime.Scheme) {
	old := schema.GroupVersion{Group: "policy", Version: "v1beta1"}
	s.AddKnownTypes(old, &policyv1beta1.Eviction{})
	utilruntime.Must(s.AddConversionFunc((*policyv1beta1.Eviction)(nil), (*policyv1.Eviction)(nil), convertEviction))
	// Webhooks are shown the object as it was posted.
	utilruntime.Must(s.AddConversionFunc((*policyv1.Eviction)(nil), (*policyv1beta1.Eviction)(nil), convertEvictionBack))
}
