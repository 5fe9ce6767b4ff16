package registry

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/component-base/featuregate"
	"k8s.io/utils/clock"

	serviceaccounttokens "tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
	"tiphys.dev/tiphys/pkg/apiserver/kubeletclient"
	"tiphys.dev/tiphys/pkg/registry/admissionregistration/mutatingadmissionpolicy"
	"tiphys.dev/tiphys/pkg/registry/admissionregistration/mutatingadmissionpolicybinding"
	"tiphys.dev/tiphys/pkg/registry/admissionregistration/mutatingwebhookconfiguration"
	"tiphys.dev/tiphys/pkg/registry/admissionregistration/validatingadmissionpolicy"
	"tiphys.dev/tiphys/pkg/registry/admissionregistration/validatingadmissionpolicybinding"
	"tiphys.dev/tiphys/pkg/registry/admissionregistration/validatingwebhookconfiguration"
	"tiphys.dev/tiphys/pkg/registry/apiserverinternal/storageversion"
	"tiphys.dev/tiphys/pkg/registry/apps/controllerrevision"
	"tiphys.dev/tiphys/pkg/registry/apps/daemonset"
	"tiphys.dev/tiphys/pkg/registry/apps/deployment"
	"tiphys.dev/tiphys/pkg/registry/apps/replicaset"
	"tiphys.dev/tiphys/pkg/registry/apps/statefulset"
	"tiphys.dev/tiphys/pkg/registry/authentication"
	"tiphys.dev/tiphys/pkg/registry/authorization"
	"tiphys.dev/tiphys/pkg/registry/autoscaling/horizontalpodautoscaler"
	"tiphys.dev/tiphys/pkg/registry/batch/cronjob"
	"tiphys.dev/tiphys/pkg/registry/batch/job"
	"tiphys.dev/tiphys/pkg/registry/certificates/certificatesigningrequest"
	"tiphys.dev/tiphys/pkg/registry/certificates/clustertrustbundle"
	"tiphys.dev/tiphys/pkg/registry/coordination/lease"
	"tiphys.dev/tiphys/pkg/registry/coordination/leasecandidate"
	"tiphys.dev/tiphys/pkg/registry/core/componentstatus"
	"tiphys.dev/tiphys/pkg/registry/core/configmap"
	"tiphys.dev/tiphys/pkg/registry/core/endpoints"
	"tiphys.dev/tiphys/pkg/registry/core/event"
	"tiphys.dev/tiphys/pkg/registry/core/limitrange"
	"tiphys.dev/tiphys/pkg/registry/core/namespace"
	corenode "tiphys.dev/tiphys/pkg/registry/core/node"
	"tiphys.dev/tiphys/pkg/registry/core/persistentvolume"
	"tiphys.dev/tiphys/pkg/registry/core/persistentvolumeclaim"
	"tiphys.dev/tiphys/pkg/registry/core/pod"
	"tiphys.dev/tiphys/pkg/registry/core/podtemplate"
	"tiphys.dev/tiphys/pkg/registry/core/replicationcontroller"
	"tiphys.dev/tiphys/pkg/registry/core/resourcequota"
	"tiphys.dev/tiphys/pkg/registry/core/secret"
	"tiphys.dev/tiphys/pkg/registry/core/service"
	"tiphys.dev/tiphys/pkg/registry/core/serviceaccount"
	"tiphys.dev/tiphys/pkg/registry/discovery/endpointslice"
	"tiphys.dev/tiphys/pkg/registry/flowcontrol/flowschema"
	"tiphys.dev/tiphys/pkg/registry/flowcontrol/prioritylevelconfiguration"
	"tiphys.dev/tiphys/pkg/registry/networking/ingress"
	"tiphys.dev/tiphys/pkg/registry/networking/ingressclass"
	"tiphys.dev/tiphys/pkg/registry/networking/ipaddress"
	"tiphys.dev/tiphys/pkg/registry/networking/networkpolicy"
	"tiphys.dev/tiphys/pkg/registry/networking/servicecidr"
	"tiphys.dev/tiphys/pkg/registry/node/runtimeclass"
	"tiphys.dev/tiphys/pkg/registry/policy/poddisruptionbudget"
	"tiphys.dev/tiphys/pkg/registry/rbac/clusterrole"
	"tiphys.dev/tiphys/pkg/registry/rbac/clusterrolebinding"
	"tiphys.dev/tiphys/pkg/registry/rbac/escalation"
	"tiphys.dev/tiphys/pkg/registry/rbac/role"
	"tiphys.dev/tiphys/pkg/registry/rbac/rolebinding"
	"tiphys.dev/tiphys/pkg/registry/resource/deviceclass"
	"tiphys.dev/tiphys/pkg/registry/resource/devicetaintrule"
	"tiphys.dev/tiphys/pkg/registry/resource/resourceclaim"
	"tiphys.dev/tiphys/pkg/registry/resource/resourceclaimtemplate"
	"tiphys.dev/tiphys/pkg/registry/resource/resourcepoolstatusrequest"
	"tiphys.dev/tiphys/pkg/registry/resource/resourceslice"
	"tiphys.dev/tiphys/pkg/registry/scheduling/priorityclass"
	"tiphys.dev/tiphys/pkg/registry/storage/csidriver"
	"tiphys.dev/tiphys/pkg/registry/storage/csinode"
	"tiphys.dev/tiphys/pkg/registry/storage/csistoragecapacity"
	"tiphys.dev/tiphys/pkg/registry/storage/storageclass"
	"tiphys.dev/tiphys/pkg/registry/storage/volumeattachment"
	"tiphys.dev/tiphys/pkg/registry/storage/volumeattributesclass"
	"tiphys.dev/tiphys/pkg/registry/storagemigration/storageversionmigration"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// Config is what the resources need of the server they are installed in.
type Config struct {
	// Generic is what the server was made of.
	Generic *genericapiserver.Config
	// Getter opens the store of a resource.
	Getter generic.RESTOptionsGetter
	// Serializer wraps what writes answers and reads requests: the server's own knows how to be lenient and to stream lists. Nil
	// leaves it as it is.
	Serializer func(runtime.NegotiatedSerializer) runtime.NegotiatedSerializer
	// Enabled says which resources --runtime-config leaves on.
	Enabled *serverstorage.ResourceConfig

	// Client and Informers reach this very server.
	Client    kubernetes.Interface
	Informers informers.SharedInformerFactory

	Authorizer authorizer.Authorizer
	Rules      authorizer.RuleResolver
	// RBAC resolves the rules of users and roles; CheckEscalation is true where RBAC decides.
	RBAC            escalation.Resolver
	CheckEscalation bool

	// Authenticator answers token reviews.
	Authenticator authenticator.Request
	Audiences     authenticator.Audiences
	// Issuer signs service account tokens; nil offers none.
	Issuer           *serviceaccounttokens.Issuer
	MaxExpiration    time.Duration
	ExtendExpiration bool
	// MaxExtension caps what ExtendExpiration gives; zero does not.
	MaxExtension time.Duration

	// Components are those whose health componentstatuses tells.
	Components []componentstatus.Component

	Kubelets       *kubeletclient.Client
	ProxyTransport http.RoundTripper

	EventTTL time.Duration
	// AllowPrivileged lets pods ask for privileged containers.
	AllowPrivileged bool
	ServiceRanges   []net.IPNet
	NodePorts       utilnet.PortRange
	// Lifecycle takes away the resources that an emulated release does not have yet; nil leaves all.
	Lifecycle genericapiserver.ResourceExpirationEvaluator
	Clock     clock.PassiveClock
}

// Installed is what goes on behind the resources.
type Installed struct {
	// RepairServices brings the records of cluster IPs and node ports together with the services: it returns after the first time,
	// and goes on until its context ends.
	RepairServices func(context.Context) error
	// KeepServiceCIDR keeps the ServiceCIDR of the configured ranges, until its context ends.
	KeepServiceCIDR func(context.Context) error
	// Storages are those of all resources that are served, without their subresources.
	Storages []rest.Storage
}

// add notes the storages of a group version.
func (i *Installed) add(s stored.Storage) {
	for path, one := range s {
		if !strings.Contains(path, "/") {
			i.Storages = append(i.Storages, one)
		}
	}
}

func (c *Config) serializer(s runtime.NegotiatedSerializer) runtime.NegotiatedSerializer {
	if c.Serializer == nil {
		return s
	}
	return c.Serializer(s)
}

// group makes the storage of a group, by version.
type group struct {
	name     string
	versions []string
	storage  func(c *Config) (stored.Storage, error)
	// unstable are its alpha and beta versions, and more makes the storage of what only these have. Nothing is made of those that nobody asked
	// for (--runtime-config).
	unstable []unstable
	more     func(c *Config) (stored.Storage, error)
}

// unstable is an alpha or beta version with the resources it has.
type unstable struct {
	version   string
	resources []string
}

// groups lists every group but the core one, which has parts that go on in the background.
var groups = []group{
	{"apps", []string{"v1"}, all(controllerrevision.New, daemonset.New, deployment.New, replicaset.New, statefulset.New), nil, nil},
	{"batch", []string{"v1"}, all(job.New, cronjob.New), nil, nil},
	{"policy", []string{"v1"}, all(poddisruptionbudget.New), nil, nil},
	{"networking.k8s.io", []string{"v1"}, all(ingress.New, ingressclass.New, networkpolicy.New, servicecidr.New, ipaddress.New), []unstable{{"v1beta1", []string{"ipaddresses", "servicecidrs"}}}, nil},
	{"storage.k8s.io", []string{"v1"}, all(storageclass.New, csinode.New, csidriver.New, csistoragecapacity.New, volumeattachment.New, volumeattributesclass.New), []unstable{{"v1beta1", []string{"volumeattributesclasses"}}}, nil},
	{"scheduling.k8s.io", []string{"v1"}, all(priorityclass.New), nil, nil},
	{"coordination.k8s.io", []string{"v1"}, all(lease.New), []unstable{{"v1beta1", []string{"leasecandidates"}}, {"v1alpha2", []string{"leasecandidates"}}}, all(leasecandidate.New)},
	{"discovery.k8s.io", []string{"v1"}, all(endpointslice.New), nil, nil},
	{"node.k8s.io", []string{"v1"}, all(runtimeclass.New), nil, nil},
	{"flowcontrol.apiserver.k8s.io", []string{"v1"}, all(flowschema.New, prioritylevelconfiguration.New), []unstable{{"v1beta3", nil}}, nil},
	{"certificates.k8s.io", []string{"v1"}, all(certificatesigningrequest.New), []unstable{{"v1beta1", []string{"clustertrustbundles"}}, {"v1alpha1", []string{"clustertrustbundles"}}}, all(clustertrustbundle.New)},
	{"admissionregistration.k8s.io", []string{"v1"}, all(mutatingwebhookconfiguration.New, validatingwebhookconfiguration.New, validatingadmissionpolicy.New, validatingadmissionpolicybinding.New, mutatingadmissionpolicy.New, mutatingadmissionpolicybinding.New), []unstable{{"v1beta1", mutatingPolicies}, {"v1alpha1", mutatingPolicies}}, nil},
	{"resource.k8s.io", []string{"v1"}, resourceStorage, []unstable{{"v1beta2", slices.Concat(devices, []string{"devicetaintrules"})}, {"v1beta1", devices}, {"v1alpha3", []string{"devicetaintrules", "resourcepoolstatusrequests"}}}, all(devicetaintrule.New, resourcepoolstatusrequest.New)},
	{"autoscaling", []string{"v2", "v1"}, all(horizontalpodautoscaler.New), nil, nil},
	{"authentication.k8s.io", []string{"v1"}, authenticationStorage, nil, nil},
	{"authorization.k8s.io", []string{"v1"}, authorizationStorage, nil, nil},
	{"events.k8s.io", []string{"v1"}, func(c *Config) (stored.Storage, error) {
		return event.New(c.Getter, "events.k8s.io", c.EventTTL)
	}, nil, nil},
	{"rbac.authorization.k8s.io", []string{"v1"}, rbacStorage, nil, nil},
	{"storagemigration.k8s.io", nil, all(), []unstable{{"v1beta1", []string{"storageversionmigrations"}}}, all(storageversionmigration.New)},
	{"internal.apiserver.k8s.io", nil, all(), []unstable{{"v1alpha1", []string{"storageversions"}}}, all(storageversion.New)},
}

// Resources that several unstable versions have.
var (
	mutatingPolicies = []string{"mutatingadmissionpolicies", "mutatingadmissionpolicybindings"}
	devices          = []string{"deviceclasses", "resourceclaims", "resourceclaimtemplates", "resourceslices"}
)

// gated are resources that need a feature gate beside their version.
var gated = map[string]featuregate.Feature{
	"clustertrustbundles": "ClusterTrustBundle", "storageversionmigrations": "StorageVersionMigrator",
}

// all joins the storages of plain resources.
func all(makers ...func(generic.RESTOptionsGetter) (stored.Storage, error)) func(*Config) (stored.Storage, error) {
	return func(c *Config) (stored.Storage, error) {
		out := stored.Storage{}
		for _, maker := range makers {
			if err := join(out, maker, c.Getter); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

func join(out stored.Storage, maker func(generic.RESTOptionsGetter) (stored.Storage, error), getter generic.RESTOptionsGetter) error {
	s, err := maker(getter)
	if err != nil {
		return err
	}
	for path, storage := range s {
		out[path] = storage
	}
	return nil
}

// Install registers every resource with the server.
func Install(server *genericapiserver.GenericAPIServer, c Config) (*Installed, error) {
	installed := &Installed{}
	core, err := coreStorage(&c, installed)
	if err != nil {
		return nil, err
	}
	all := [][]served{{{corev1.SchemeGroupVersion, core}}}
	for _, g := range groups {
		versions, err := g.served(&c)
		if err != nil {
			return nil, fmt.Errorf("group %s: %w", g.name, err)
		}
		all = append(all, versions)
	}
	for i, versions := range all {
		versions = enabled(&c, versions)
		for _, v := range versions {
			installed.add(v.storage)
		}
		if all[i], err = c.dropLater(versions); err != nil {
			return nil, err
		}
	}
	routes, err := newRoutes(server, &c, slices.Concat(all...))
	if err != nil {
		return nil, err
	}
	for _, versions := range all {
		if len(versions) == 0 {
			continue
		}
		if err := routes.install(versions); err != nil {
			return nil, err
		}
	}
	return installed, nil
}

// served makes the storage of the group's versions: of all stable ones, and of those unstable ones that are asked for.
func (g *group) served(c *Config) ([]served, error) {
	own, err := g.storage(c)
	if err != nil {
		return nil, err
	}
	var out []served
	for _, v := range g.versions {
		out = append(out, served{schema.GroupVersion{Group: g.name, Version: v}, own})
	}
	var more stored.Storage
	for _, v := range g.unstable {
		gv := schema.GroupVersion{Group: g.name, Version: v.version}
		asked := stored.Storage{}
		for _, resource := range v.resources {
			if !c.Enabled.ResourceEnabled(gv.WithResource(resource)) {
				continue
			}
			if gate, ok := gated[resource]; ok && !c.Generic.FeatureGate.Enabled(gate) {
				continue
			}
			if own[resource] == nil && more == nil {
				if more, err = g.more(c); err != nil {
					return nil, err
				}
			}
			take(asked, own, resource)
			take(asked, more, resource)
		}
		if len(asked) > 0 {
			out = append(out, served{gv, asked})
		}
	}
	return out, nil
}

// take adds a resource with its subresources.
func take(out, from stored.Storage, resource string) {
	for path, storage := range from {
		if path == resource || strings.HasPrefix(path, resource+"/") {
			out[path] = storage
		}
	}
}

// enabled leaves out what --runtime-config has off. A subresource goes with its resource.
func enabled(c *Config, versions []served) []served {
	var out []served
	for _, v := range versions {
		left := stored.Storage{}
		for path, storage := range v.storage {
			resource, _, _ := strings.Cut(path, "/")
			if c.Enabled.ResourceEnabled(v.WithResource(resource)) {
				left[path] = storage
			}
		}
		if len(left) > 0 {
			out = append(out, served{v.GroupVersion, left})
		}
	}
	return out
}

func coreStorage(c *Config, installed *Installed) (stored.Storage, error) {
	out, err := all(
		configmap.New, secret.New, endpoints.New, limitrange.New, podtemplate.New, resourcequota.New,
		persistentvolume.New, persistentvolumeclaim.New, replicationcontroller.New, namespace.New)(c)
	if err != nil {
		return nil, err
	}
	services, err := service.New(c.Getter, service.Config{
		Client: c.Client, Informers: c.Informers, Ranges: c.ServiceRanges, NodePorts: c.NodePorts, Transport: c.ProxyTransport,
	})
	if err != nil {
		return nil, err
	}
	installed.KeepServiceCIDR = services.KeepServiceCIDR
	installed.RepairServices = func(ctx context.Context) error {
		ready := make(chan struct{})
		go services.Repair(ctx, func() { close(ready) })
		select {
		case <-ready:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, maker := range []func(generic.RESTOptionsGetter) (stored.Storage, error){
		func(g generic.RESTOptionsGetter) (stored.Storage, error) { return services.Storage, nil },
		func(g generic.RESTOptionsGetter) (stored.Storage, error) { return event.New(g, "", c.EventTTL) },
		func(g generic.RESTOptionsGetter) (stored.Storage, error) {
			return corenode.New(g, c.Kubelets, c.ProxyTransport)
		},
		func(g generic.RESTOptionsGetter) (stored.Storage, error) {
			return pod.New(g, pod.Config{Kubelets: c.Kubelets, ProxyTransport: c.ProxyTransport, Budgets: c.Client.PolicyV1(), AllowPrivileged: c.AllowPrivileged})
		},
		func(g generic.RESTOptionsGetter) (stored.Storage, error) {
			config := serviceaccount.Config{
				Audiences: c.Audiences, MaxExpiration: c.MaxExpiration, ExtendExpiration: c.ExtendExpiration, MaxExtension: c.MaxExtension,
				Client: c.Client, Clock: c.Clock,
			}
			if c.Issuer != nil {
				config.Issuer = c.Issuer
			}
			return serviceaccount.New(g, config)
		},
	} {
		if err := join(out, maker, c.Getter); err != nil {
			return nil, err
		}
	}
	out["componentstatuses"] = componentstatus.New(c.Components)
	return out, nil
}

// resourceStorage: claims for admin access ask about the namespace.
func resourceStorage(c *Config) (stored.Storage, error) {
	namespaced := func(maker func(generic.RESTOptionsGetter, corev1client.NamespacesGetter) (stored.Storage, error)) func(generic.RESTOptionsGetter) (stored.Storage, error) {
		return func(g generic.RESTOptionsGetter) (stored.Storage, error) { return maker(g, c.Client.CoreV1()) }
	}
	return all(deviceclass.New, namespaced(resourceclaim.New), namespaced(resourceclaimtemplate.New), resourceslice.New)(c)
}

func authenticationStorage(c *Config) (stored.Storage, error) {
	return stored.Storage{
		"tokenreviews":       &authentication.TokenReview{Authenticator: c.Authenticator, Audiences: c.Audiences},
		"selfsubjectreviews": &authentication.SelfSubjectReview{},
	}, nil
}

func authorizationStorage(c *Config) (stored.Storage, error) {
	return stored.Storage{
		"subjectaccessreviews":      authorization.NewSubjectAccessReview(c.Authorizer),
		"selfsubjectaccessreviews":  authorization.NewSelfSubjectAccessReview(c.Authorizer),
		"localsubjectaccessreviews": authorization.NewLocalSubjectAccessReview(c.Authorizer),
		"selfsubjectrulesreviews":   &authorization.SelfSubjectRulesReview{Rules: c.Rules},
	}, nil
}

func rbacStorage(c *Config) (stored.Storage, error) {
	checker := &escalation.Checker{Resolver: c.RBAC, Authorizer: c.Authorizer, Enabled: c.CheckEscalation}
	out := stored.Storage{}
	for _, maker := range []func(generic.RESTOptionsGetter, *escalation.Checker) (stored.Storage, error){
		role.New, clusterrole.New, rolebinding.New, clusterrolebinding.New,
	} {
		err := join(out, func(g generic.RESTOptionsGetter) (stored.Storage, error) { return maker(g, checker) }, c.Getter)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
