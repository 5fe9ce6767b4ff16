package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/server/flagz"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/featuregate"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/apiserver"
	"tiphys.dev/tiphys/pkg/features"
)

// options are the flags, under upstream's names, on top of the server's Config.
type options struct {
	config  *apiserver.Config
	logs    *logs.Options
	metrics *metrics.Options
	sets    *cliflag.NamedFlagSets

	serviceRange    string
	issuers         []string
	deprecatedPlugs []string
	unused          unused
	// libraryGates are the gates that the libraries know, and obey.
	libraryGates map[featuregate.Feature]featuregate.FeatureSpec
}

// unused are flags that upstream takes and that have no effect here.
type unused struct {
	leaseDuration, renewDeadline, retry, kubeletTimeout time.Duration
}

// validate refuses what upstream's server refuses, so that a mistake is found here, too.
func (u unused) validate() error {
	var errs []error
	if u.leaseDuration <= u.renewDeadline {
		errs = append(errs, errors.New("--coordinated-leadership-lease-duration must be greater than --coordinated-leadership-renew-deadline"))
	}
	if u.renewDeadline <= u.retry {
		errs = append(errs, errors.New("--coordinated-leadership-renew-deadline must be greater than --coordinated-leadership-retry-period"))
	}
	return utilerrors.NewAggregate(errs)
}

func newOptions() *options {
	// The gates must be known before the settings, whose defaults depend on them.
	libraries := utilfeature.DefaultMutableFeatureGate.GetAll()
	utilruntime.Must(features.Register(utilfeature.DefaultMutableFeatureGate))
	return &options{config: apiserver.NewConfig(), libraryGates: libraries, logs: logs.NewOptions(), metrics: metrics.NewOptions()}
}

func (o *options) flags() *cliflag.NamedFlagSets {
	c := o.config
	sets := &cliflag.NamedFlagSets{}
	o.sets = sets
	c.ServerRun.AddUniversalFlags(sets.FlagSet("generic"))
	c.Etcd.AddFlags(sets.FlagSet("etcd"))
	c.SecureServing.AddFlags(sets.FlagSet("secure serving"))
	c.Audit.AddFlags(sets.FlagSet("auditing"))
	c.Features.AddFlags(sets.FlagSet("features"))
	o.authenticationFlags(sets.FlagSet("authentication"))
	o.authorizationFlags(sets.FlagSet("authorization"))
	c.Enablement.AddFlags(sets.FlagSet("API enablement"))
	c.Egress.AddFlags(sets.FlagSet("egress selector"))
	o.admissionFlags(sets.FlagSet("admission"))
	o.metrics.AddFlags(sets.FlagSet("metrics"))
	logsapi.AddFlags(o.logs, sets.FlagSet("logs"))
	c.Tracing.AddFlags(sets.FlagSet("traces"))
	o.miscFlags(sets.FlagSet("misc"))
	return sets
}

func (o *options) authenticationFlags(fs *pflag.FlagSet) {
	a := &o.config.Authentication
	fs.BoolVar(&a.Anonymous, "anonymous-auth", a.Anonymous, "Let requests in that carry no credentials, as system:anonymous in the group system:unauthenticated.")
	fs.StringSliceVar(&a.APIAudiences, "api-audiences", a.APIAudiences, "Identifiers of the API: tokens must be for one of them. Defaults to the service account issuers.")
	fs.StringVar(&a.ConfigFile, "authentication-config", a.ConfigFile, "File with a structured AuthenticationConfiguration.")
	fs.DurationVar(&a.Webhook.CacheTTL, "authentication-token-webhook-cache-ttl", a.Webhook.CacheTTL, "How long answers of the token webhook are believed.")
	fs.StringVar(&a.Webhook.ConfigFile, "authentication-token-webhook-config-file", a.Webhook.ConfigFile, "Kubeconfig of the token webhook.")
	fs.StringVar(&a.Webhook.Version, "authentication-token-webhook-version", a.Webhook.Version, "Version of the TokenReview sent to the webhook.")
	fs.BoolVar(&a.BootstrapTokens, "enable-bootstrap-token-auth", a.BootstrapTokens, "Take the tokens of secrets of type bootstrap.kubernetes.io/token in kube-system.")
	fs.StringVar(&a.TokenFile, "token-auth-file", a.TokenFile, "CSV file of static tokens.")
	a.ClientCert.AddFlags(fs)
	a.RequestHeader.AddFlags(fs)

	fs.StringVar(&a.OIDC.IssuerURL, "oidc-issuer-url", a.OIDC.IssuerURL, "URL of the OpenID issuer; only https.")
	fs.StringVar(&a.OIDC.ClientID, "oidc-client-id", a.OIDC.ClientID, "Client ID of the OpenID Connect client.")
	fs.StringVar(&a.OIDC.CAFile, "oidc-ca-file", a.OIDC.CAFile, "CA of the OpenID server.")
	fs.StringVar(&a.OIDC.UsernameClaim, "oidc-username-claim", a.OIDC.UsernameClaim, "Claim that is the user name.")
	fs.StringVar(&a.OIDC.UsernamePrefix, "oidc-username-prefix", a.OIDC.UsernamePrefix, "Prefix of user names; '-' for none.")
	fs.StringVar(&a.OIDC.GroupsClaim, "oidc-groups-claim", a.OIDC.GroupsClaim, "Claim that holds the groups.")
	fs.StringVar(&a.OIDC.GroupsPrefix, "oidc-groups-prefix", a.OIDC.GroupsPrefix, "Prefix of groups.")
	fs.StringSliceVar(&a.OIDC.SigningAlgs, "oidc-signing-algs", a.OIDC.SigningAlgs, "Accepted signing algorithms.")
	fs.Var(cliflag.NewMapStringStringNoSplit(&a.OIDC.RequiredClaims), "oidc-required-claim", "A key=value pair that tokens must carry; may be repeated.")

	sa := &a.ServiceAccounts
	fs.StringArrayVar(&sa.KeyFiles, "service-account-key-file", sa.KeyFiles, "File of keys that verify service account tokens; may be repeated. Defaults to the signing key.")
	fs.BoolVar(&sa.Lookup, "service-account-lookup", sa.Lookup, "Ask the store whether the account and the secret of a legacy token still exist; what other tokens are bound to is always looked up.")
	fs.StringArrayVar(&o.issuers, "service-account-issuer", o.issuers, "Issuer of service account tokens; the first signs, all are accepted.")
	fs.StringVar(&sa.JWKSURI, "service-account-jwks-uri", sa.JWKSURI, "Overrides where the discovery document says the keys are.")
	fs.DurationVar(&sa.MaxExpiration, "service-account-max-token-expiration", sa.MaxExpiration, "The longest lifetime a token request can have.")
	fs.BoolVar(&sa.ExtendExpiration, "service-account-extend-token-expiration", sa.ExtendExpiration, "Give mounted tokens a longer life than asked, for clients that never read them again.")
	fs.StringVar(&sa.SigningEndpoint, "service-account-signing-endpoint", sa.SigningEndpoint, "Path of the socket where an external signer of service account tokens listens; excludes the key files.")
}

func (o *options) authorizationFlags(fs *pflag.FlagSet) {
	a := &o.config.Authorization
	fs.StringSliceVar(&a.Modes, "authorization-mode", a.Modes, "Authorizers in order: AlwaysAllow, AlwaysDeny, ABAC, Webhook, RBAC, Node.")
	fs.StringVar(&a.ConfigFile, "authorization-config", a.ConfigFile, "File with a structured AuthorizationConfiguration.")
	fs.StringVar(&a.PolicyFile, "authorization-policy-file", a.PolicyFile, "Policies of mode ABAC.")
	fs.StringVar(&a.WebhookConfigFile, "authorization-webhook-config-file", a.WebhookConfigFile, "Kubeconfig of mode Webhook.")
	fs.StringVar(&a.WebhookVersion, "authorization-webhook-version", a.WebhookVersion, "Version of the SubjectAccessReview sent to the webhook.")
	fs.DurationVar(&a.WebhookAuthorizedTTL, "authorization-webhook-cache-authorized-ttl", a.WebhookAuthorizedTTL, "How long the webhook's consent is believed.")
	fs.DurationVar(&a.WebhookUnauthorizedTTL, "authorization-webhook-cache-unauthorized-ttl", a.WebhookUnauthorizedTTL, "How long the webhook's refusal is believed.")
}

func (o *options) admissionFlags(fs *pflag.FlagSet) {
	a := o.config.Admission
	a.AddFlags(fs)
	fs.StringSliceVar(&o.deprecatedPlugs, "admission-control", nil, "Admission plugins, in order.")
	deprecate(fs, "admission-control", "Use --enable-admission-plugins or --disable-admission-plugins instead. Will be removed in a future version.")
	fs.Int64Var(&a.Settings.DefaultNotReadyTolerationSeconds, "default-not-ready-toleration-seconds", a.Settings.DefaultNotReadyTolerationSeconds, "How long pods that do not say so tolerate node.kubernetes.io/not-ready:NoExecute.")
	fs.Int64Var(&a.Settings.DefaultUnreachableTolerationSeconds, "default-unreachable-toleration-seconds", a.Settings.DefaultUnreachableTolerationSeconds, "How long pods that do not say so tolerate node.kubernetes.io/unreachable:NoExecute.")
}

func (o *options) miscFlags(fs *pflag.FlagSet) {
	c := o.config
	fs.BoolVar(&c.AllowPrivileged, "allow-privileged", c.AllowPrivileged, "Allow privileged containers.")
	fs.DurationVar(&c.EventTTL, "event-ttl", c.EventTTL, "How long events are kept.")
	fs.StringVar(&o.serviceRange, "service-cluster-ip-range", "", "One or two CIDRs that cluster IPs come from; they must not overlap with the IPs of nodes or pods.")
	fs.Var(&c.ServiceNodePortRange, "service-node-port-range", "Ports for services of type NodePort, as '30000-32767'; both ends count.")
	fs.IntVar(&c.KubernetesServiceNodePort, "kubernetes-service-node-port", c.KubernetesServiceNodePort, "When not zero, the service 'kubernetes' is of type NodePort with this port.")
	fs.StringVar(&c.EndpointReconciler, "endpoint-reconciler-type", c.EndpointReconciler, "How the endpoints of the service 'kubernetes' are kept: lease, none, or the deprecated master-count, for a number of servers that never changes.")
	fs.BoolVar(&c.EnableAggregatorRouting, "enable-aggregator-routing", c.EnableAggregatorRouting, "Send requests for aggregated APIs to endpoints rather than the cluster IP.")
	fs.BoolVar(&c.AggregatorRejectForwardingRedirect, "aggregator-reject-forwarding-redirect", c.AggregatorRejectForwardingRedirect, "Refuse redirects of aggregated API servers instead of handing them to the client.")
	fs.StringVar(&c.ProxyClientCertFile, "proxy-client-cert-file", c.ProxyClientCertFile, "Certificate that identifies the aggregator to aggregated API servers.")
	fs.StringVar(&c.ProxyClientKeyFile, "proxy-client-key-file", c.ProxyClientKeyFile, "Key of --proxy-client-cert-file.")
	fs.StringVar(&c.ServiceAccountSigningKeyFile, "service-account-signing-key-file", c.ServiceAccountSigningKeyFile, "Private key that signs service account tokens.")

	k, u := &c.Kubelet, &o.unused
	fs.StringSliceVar(&k.AddressTypes, "kubelet-preferred-address-types", k.AddressTypes, "Node address types to use for kubelet connections, in order.")
	fs.DurationVar(&u.kubeletTimeout, "kubelet-timeout", 5*time.Second, "No effect, as in upstream: requests to kubelets end with the request that they serve.")
	fs.StringVar(&k.CertFile, "kubelet-client-certificate", k.CertFile, "Client certificate for kubelets.")
	fs.StringVar(&k.KeyFile, "kubelet-client-key", k.KeyFile, "Key of --kubelet-client-certificate.")
	fs.StringVar(&k.CAFile, "kubelet-certificate-authority", k.CAFile, "CA that verifies kubelets.")

	fs.BoolVar(&c.ServeLogs, "enable-logs-handler", c.ServeLogs, "Serve the files of /var/log of this host at /logs/.")
	deprecate(fs, "enable-logs-handler", "Log handler functionality is deprecated")
	fs.Int64Var(&k.StreamBytesPerSecond, "max-connection-bytes-per-sec", k.StreamBytesPerSecond, "When not zero, each exec, attach and port forwarding is slowed down to that many bytes a second.")
	fs.StringVar(&c.Peers.AdvertiseIP, "peer-advertise-ip", c.Peers.AdvertiseIP, "Address under which other API servers reach this one. Defaults to --advertise-address.")
	fs.StringVar(&c.Peers.AdvertisePort, "peer-advertise-port", c.Peers.AdvertisePort, "Port under which other API servers reach this one. Defaults to --secure-port.")
	fs.StringVar(&c.Peers.CAFile, "peer-ca-file", c.Peers.CAFile, "CA that verifies other API servers. Without it requests for resources that only they know are not handed on.")
	fs.IntVar(&c.APIServerCount, "apiserver-count", c.APIServerCount, "How many API servers there are, for --endpoint-reconciler-type=master-count.")
	utilruntime.Must(fs.MarkDeprecated("apiserver-count", "apiserver-count is deprecated and will be removed in a future version."))
	for _, name := range []string{"kubelet-port", "kubelet-read-only-port"} {
		fs.Uint(name, 0, "No effect any more.")
		utilruntime.Must(fs.MarkDeprecated(name, "it has no effect any more"))
	}
	fs.DurationVar(&u.leaseDuration, "coordinated-leadership-lease-duration", 15*time.Second, "Duration of leases of coordinated leader election.")
	fs.DurationVar(&u.renewDeadline, "coordinated-leadership-renew-deadline", 10*time.Second, "Deadline of coordinated leader election.")
	fs.DurationVar(&u.retry, "coordinated-leadership-retry-period", 2*time.Second, "Retry period of coordinated leader election.")
}

// deprecate warns whoever sets the flag, and leaves it in the help, where upstream has it.
func deprecate(fs *pflag.FlagSet, name, advice string) {
	utilruntime.Must(fs.MarkDeprecated(name, advice))
	fs.Lookup(name).Hidden = false
}

// complete turns what the flags say in their own way into the server's Config.
func (o *options) complete() (*apiserver.Config, error) {
	o.config.Flags = flagz.NamedFlagSetsReader{FlagSets: *o.sets}
	o.config.Authentication.ServiceAccounts.Issuers = o.issuers
	o.config.Authentication.AnonymousSet = o.sets.FlagSet("authentication").Changed("anonymous-auth")
	if err := o.onlyPlugins(); err != nil {
		return nil, err
	}
	if err := o.unused.validate(); err != nil {
		return nil, err
	}
	for i, text := range strings.Split(o.serviceRange, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		_, n, err := net.ParseCIDR(text)
		if err != nil {
			return nil, fmt.Errorf("service-cluster-ip-range[%d] is not a valid cidr: %q", i, text)
		}
		o.config.ServiceClusterIPRanges = append(o.config.ServiceClusterIPRanges, *n)
	}
	return o.config, nil
}

// onlyPlugins obeys the deprecated --admission-control: the plugins it lists are on, and all others are off.
func (o *options) onlyPlugins() error {
	if len(o.deprecatedPlugs) == 0 {
		return nil
	}
	a := o.config.Admission
	if len(a.EnablePlugins) > 0 || len(a.DisablePlugins) > 0 {
		return errors.New("admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive")
	}
	a.EnablePlugins = o.deprecatedPlugs
	for _, name := range a.RecommendedPluginOrder {
		if !slices.Contains(o.deprecatedPlugs, name) {
			a.DisablePlugins = append(a.DisablePlugins, name)
		}
	}
	return nil
}

// unusedReasons says why a flag has no effect.
var unusedReasons = map[string]string{
	"kubelet-port":                          "nodes say where their kubelet listens",
	"kubelet-timeout":                       "a request to a kubelet ends with the request that it serves, as in upstream",
	"kubelet-read-only-port":                "kubelets are reached on their secure port only",
	"coordinated-leadership-lease-duration": "coordinated leader election (a beta feature that is off) is not offered",
	"coordinated-leadership-renew-deadline": "coordinated leader election (a beta feature that is off) is not offered",
	"coordinated-leadership-retry-period":   "coordinated leader election (a beta feature that is off) is not offered",
}

func (o *options) explainUnused() {
	if gates := features.Unread(utilfeature.DefaultMutableFeatureGate, o.libraryGates); len(gates) > 0 {
		klog.InfoS("Feature gates have no effect: what they are for is in this server as it is by default", "gates", gates)
	}
	for _, fs := range o.sets.FlagSets {
		fs.VisitAll(func(f *pflag.Flag) {
			if reason := unusedReasons[f.Name]; f.Changed && reason != "" {
				klog.InfoS("A flag has no effect", "flag", "--"+f.Name, "reason", reason)
			}
		})
	}
}
