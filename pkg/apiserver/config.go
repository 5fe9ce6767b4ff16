package apiserver

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/server/flagz"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/client-go/informers"
	"k8s.io/klog/v2"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"

	"tiphys.dev/tiphys/pkg/api/scheme"
	"tiphys.dev/tiphys/pkg/apiserver/admission"
	"tiphys.dev/tiphys/pkg/apiserver/authn"
	"tiphys.dev/tiphys/pkg/apiserver/authz"
	"tiphys.dev/tiphys/pkg/apiserver/kubeletclient"
	"tiphys.dev/tiphys/pkg/apiserver/reconciler"
	"tiphys.dev/tiphys/pkg/informer"
)

// Config is everything the API server can be told. The parts that the generic API server library defines are its own option
// types, so that every setting it documents is here under the same name.
type Config struct {
	ServerRun *options.ServerRunOptions
	Etcd      *options.EtcdOptions
	// EtcdClients makes clients of a store in this process, one for each resource. No other server uses that store, so nothing is
	// written there for others to see that this one lives. Nil reaches the store by Etcd's addresses.
	EtcdClients func() *clientv3.Client
	// Informers are those of the process, filled through Direct, which this server then serves. Nil makes informers of its own.
	Informers     informers.SharedInformerFactory
	Direct        *informer.Direct
	SecureServing *options.SecureServingOptionsWithLoopback
	Audit         *options.AuditOptions
	Features      *options.FeatureOptions
	Admission     *admission.Config
	Enablement    *options.APIEnablementOptions
	Egress        *options.EgressSelectorOptions
	Tracing       *options.TracingOptions
	// Flags are shown at /flagz; nil shows none.
	Flags flagz.Reader

	Authentication authn.Config
	Authorization  authz.Config

	// Kubelet says how to reach the kubelets, for logs, exec, attach, port forwarding and proxying.
	Kubelet kubeletclient.Config
	// AllowPrivileged lets pods ask for privileged containers.
	AllowPrivileged bool
	// ServeLogs serves the host's /var/log at /logs/, to those who may get that path.
	ServeLogs bool
	// EventTTL is how long events are kept.
	EventTTL time.Duration

	// ServiceClusterIPRanges are the ranges of cluster IPs, the primary family first; one or two.
	ServiceClusterIPRanges []net.IPNet
	// ServiceNodePortRange is where node ports are taken from.
	ServiceNodePortRange utilnet.PortRange
	// KubernetesServiceNodePort, when not zero, makes the "kubernetes" Service one of type NodePort.
	KubernetesServiceNodePort int
	// EndpointReconciler is how several API servers share the endpoints of the "kubernetes" Service: lease, none or master-count, for
	// which APIServerCount says how many they are.
	EndpointReconciler string
	APIServerCount     int

	// ProxyClientCertFile and ProxyClientKeyFile identify the aggregator to aggregated API servers.
	ProxyClientCertFile, ProxyClientKeyFile string
	// AggregatorRejectForwardingRedirect makes the aggregator answer redirects of aggregated API servers with an error.
	AggregatorRejectForwardingRedirect bool
	// EnableAggregatorRouting sends requests for aggregated API servers to endpoints instead of the cluster IP.
	EnableAggregatorRouting bool

	// Peers are the other API servers of the cluster.
	Peers Peers
	// ServerID tells servers of one cluster apart; empty takes one that follows from the host name.
	ServerID string

	// ServiceAccountSigningKeyFile holds the private key that signs service account tokens.
	ServiceAccountSigningKeyFile string
}

// DefaultServiceNodePortRange is 30000-32767.
var DefaultServiceNodePortRange = utilnet.PortRange{Base: 30000, Size: 2768}

// NewConfig returns the defaults, those of upstream's flags.
func NewConfig() *Config {
	serving := options.NewSecureServingOptions()
	serving.BindPort = 6443
	serving.ServerCert.CertDirectory = "/var/run/kubernetes"
	serving.ServerCert.PairName = "apiserver"
	serving.Required = true
	c := &Config{
		ServerRun:     options.NewServerRunOptions(),
		Etcd:          options.NewEtcdOptions(storagebackend.NewDefaultConfig("/registry", nil)),
		SecureServing: serving.WithLoopback(),
		Audit:         options.NewAuditOptions(),
		Features:      options.NewFeatureOptions(),
		Admission:     admission.NewConfig(),
		Enablement:    options.NewAPIEnablementOptions(),
		Egress:        options.NewEgressSelectorOptions(),
		Tracing:       options.NewTracingOptions(),

		Authentication: authn.NewConfig(),
		Authorization:  authz.NewConfig(),
		Kubelet:        kubeletclient.NewConfig(),

		EventTTL:             time.Hour,
		ServiceNodePortRange: DefaultServiceNodePortRange,
		EndpointReconciler:   reconciler.Lease,
		APIServerCount:       1,

		AggregatorRejectForwardingRedirect: true,
	}
	c.Etcd.DefaultStorageMediaType = "application/vnd.kubernetes.protobuf"
	return c
}

// complete fills in what depends on the machine and on other settings, and checks the whole.
func (c *Config) complete() error {
	if err := c.ServerRun.DefaultAdvertiseAddress(c.SecureServing.SecureServingOptions); err != nil {
		return fmt.Errorf("finding the address to advertise: %w", err)
	}
	if len(c.ServiceClusterIPRanges) == 0 {
		_, n, err := net.ParseCIDR("10.0.0.0/24")
		if err != nil {
			return err
		}
		c.ServiceClusterIPRanges = []net.IPNet{*n}
	}
	serviceIP, err := reconciler.ServiceIP(c.ServiceClusterIPRanges[0])
	if err != nil {
		return err
	}
	names := []string{"kubernetes.default.svc", "kubernetes.default", "kubernetes"}
	if err := c.SecureServing.MaybeDefaultWithSelfSignedCerts(c.ServerRun.AdvertiseAddress.String(), names, []net.IP{serviceIP}); err != nil {
		return fmt.Errorf("making a self-signed serving certificate: %w", err)
	}
	if c.ServerRun.ExternalHost == "" {
		c.ServerRun.ExternalHost = c.ServerRun.AdvertiseAddress.String()
	}
	if a := &c.Authentication; a.Anonymous && c.Authorization.ConfigFile == "" && slices.Contains(c.Authorization.EffectiveModes(), authz.ModeAlwaysAllow) {
		// Together they would give everything to everybody.
		klog.InfoS("AnonymousAuth is not allowed with the AlwaysAllow authorizer. Resetting AnonymousAuth to false. You should use a different authorizer")
		a.Anonymous = false
	}
	if len(c.Authentication.ServiceAccounts.KeyFiles) == 0 && c.ServiceAccountSigningKeyFile != "" {
		c.Authentication.ServiceAccounts.KeyFiles = []string{c.ServiceAccountSigningKeyFile}
	}
	c.dropHalfPairs()
	c.dropUnserved()
	if len(c.Authentication.APIAudiences) == 0 && len(c.Authentication.ServiceAccounts.Issuers) > 0 {
		c.Authentication.APIAudiences = c.Authentication.ServiceAccounts.Issuers
	}
	return c.validate()
}

func (c *Config) validate() error {
	var errs []error
	for _, part := range [][]error{
		c.ServerRun.Validate(), c.Etcd.Validate(), c.SecureServing.Validate(), c.Audit.Validate(),
		c.Features.Validate(), c.Egress.Validate(), c.Tracing.Validate(),
		c.Admission.Validate(),
		c.Enablement.Validate(scheme.Scheme, apiextensions.Scheme, aggregatorscheme.Scheme),
		c.Authentication.Validate(), c.Authorization.Validate(), c.validateServices(),
	} {
		errs = append(errs, part...)
	}
	if c.Features.EnablePriorityAndFairness && c.Enablement.RuntimeConfig["api/all"] == "false" {
		errs = append(errs, errors.New("--runtime-config=api/all=false conflicts with --enable-priority-and-fairness=true"))
	}
	if err := c.Peers.validate(); err != nil {
		errs = append(errs, err)
	}
	issuers := c.Authentication.ServiceAccounts.Issuers
	switch signing, endpoint := c.ServiceAccountSigningKeyFile, c.Authentication.ServiceAccounts.SigningEndpoint; {
	case signing != "" && endpoint != "":
		errs = append(errs, errors.New("service-account-signing-key-file and service-account-signing-endpoint are mutually exclusive and cannot be set at the same time"))
	case signing == "" && endpoint == "", signing != "" && (len(issuers) == 0 || issuers[0] == ""):
		errs = append(errs, errors.New("--service-account-signing-key-file, --service-account-issuer, and --api-audiences should be specified together"))
	}
	if c.APIServerCount <= 0 {
		errs = append(errs, fmt.Errorf("--apiserver-count should be a positive number, but value '%v' provided", c.APIServerCount))
	}
	switch c.EndpointReconciler {
	case reconciler.Lease, reconciler.None, reconciler.MasterCount:
	case "":
		c.EndpointReconciler = reconciler.Lease
	default:
		errs = append(errs, fmt.Errorf("--endpoint-reconciler-type %q must be lease, master-count or none", c.EndpointReconciler))
	}
	return utilerrors.NewAggregate(errs)
}
