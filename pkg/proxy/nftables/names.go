package nftables

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/netip"
	"strings"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

// TableName is the table in the families ip and ip6. Upstream's kube-proxy uses
// the same, so whichever starts last owns it and no rules of the other stay behind.
const TableName = "kube-proxy"

// Sets and maps that every table has.
const (
	setClusterIPs          = "cluster-ips"
	setNodePortIPs         = "nodeport-ips"
	setHairpin             = "hairpin-ips"
	mapServiceIPs          = "service-ips"
	mapServiceNodePorts    = "service-nodeports"
	mapNoEndpointServices  = "no-endpoint-services"
	mapNoEndpointNodePorts = "no-endpoint-nodeports"
	mapFirewallIPs         = "firewall-ips"
	// Frontends under the external traffic policy Local, for traffic from outside.
	mapLocalServiceIPs       = "local-service-ips"
	mapLocalServiceNodePorts = "local-service-nodeports"
	// Endpoints by frontend and place: what the shared chains look up. Each with the
	// protocol at the end, see protocols.
	mapServiceEndpoints       = "service-endpoints"
	mapLocalServiceEndpoints  = "local-service-endpoints"
	mapNodePortEndpoints      = "nodeport-endpoints"
	mapLocalNodePortEndpoints = "local-nodeport-endpoints"
)

// protocols are those of services, as nft names them.
var protocols = []string{"tcp", "udp", "sctp"}

// Chains that every table has.
const (
	chainPreroutingFilter = "filter-prerouting-pre-dnat"
	chainOutputFilter     = "filter-output-pre-dnat"
	chainInput            = "filter-input"
	chainForward          = "filter-forward"
	chainOutput           = "filter-output"
	chainNATPrerouting    = "nat-prerouting"
	chainNATOutput        = "nat-output"
	chainNATPostrouting   = "nat-postrouting"

	chainServices         = "services"
	chainNodePorts        = "nodeports"
	chainMasquerading     = "masquerading"
	chainFirewallCheck    = "firewall-check"
	chainServicesCheck    = "service-endpoints-check"
	chainNodePortsCheck   = "nodeport-endpoints-check"
	chainClusterIPsCheck  = "cluster-ips-check"
	chainReject           = "reject-chain"
	maxNameLength         = 128 // nft's own limit for comments, and long enough for names
	sharedPrefixCluster   = "cluster"
	sharedPrefixMasq      = "masquerade"
	sharedPrefixHost      = "masquerade-host"
	sharedPrefixLocal     = "local"
	sharedInfixServices   = "services"
	sharedInfixNodePorts  = "nodeports"
	ownPrefixFirewall     = "firewall"
	ownPrefixEndpoint     = "endpoint"
	ownPrefixAffinity     = "affinity"
	ownPrefixServiceChain = "service"
)

// ownName makes the name of a chain or set that belongs to one port of one
// service: prefix, a hash that keeps it unique whatever is cut off, and the words
// for the reader, as "service-ULMVA6XW-ns1/svc1/tcp/p80".
func ownName(prefix string, p *services.Port, more ...string) string {
	words := fmt.Sprintf("%s/%s/%s/%s", p.Service.Namespace, p.Service.Name, protocol(p), p.Name)
	for _, m := range more {
		words += "__" + m
	}
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s %d", words, p.Port)))
	name := prefix + "-" + base32.StdEncoding.EncodeToString(sum[:])[:8] + "-" + words
	return name[:min(len(name), maxNameLength)]
}

func endpointWords(ep netip.AddrPort) string {
	// Colons are no part of names.
	return fmt.Sprintf("%s/%d", strings.ReplaceAll(ep.Addr().String(), ":", "."), ep.Port())
}

func protocol(p *services.Port) string { return strings.ToLower(string(p.Protocol)) }

func comment(p *services.Port) string {
	id := p.ID()
	return id[:min(len(id), maxNameLength)]
}
