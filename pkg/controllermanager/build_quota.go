package controllermanager

import (
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/controller/nodeipam"
	"tiphys.dev/tiphys/pkg/controller/resourcequota"
	"tiphys.dev/tiphys/pkg/lifecycle"
	"tiphys.dev/tiphys/pkg/quota"
)

func buildResourceQuota(d *deps) (lifecycle.Runner, error) {
	meta, err := d.metadata()
	if err != nil {
		return nil, err
	}
	disco, err := d.discovery()
	if err != nil {
		return nil, err
	}
	core, dra, s := d.informers.Core().V1(), d.informers.Resource().V1(), d.settings.ResourceQuotaController
	classes, classesRead, err := quota.DeviceClasses(klog.Background(), d.informers)
	if err != nil {
		return nil, err
	}
	usage, err := quota.New(quota.Config{Lister: generic.ListerFuncForResourceFunc(d.informers.ForResource), Classes: classes,
		Owners: &quota.Owners{Pods: core.Pods().Lister(), Claims: dra.ResourceClaims().Lister()}, Clock: d.clock})
	if err != nil {
		return nil, err
	}
	return runs(resourcequota.New(resourcequota.Config{Client: d.client, Metadata: meta, Discovery: disco, Quotas: core.ResourceQuotas(), Pods: core.Pods(),
		Services: core.Services(), Claims: core.PersistentVolumeClaims(), Devices: dra.ResourceClaims(),
		Evaluators: usage.Evaluators(), EvaluatorsReady: classesRead, ResyncPeriod: s.ResourceQuotaSyncPeriod.Duration,
		Workers: int(s.ConcurrentResourceQuotaSyncs), Metrics: d.queues, Clock: d.clock}))
}

// nodeIPAMWanted: without --allocate-node-cidrs somebody else gives nodes their addresses.
func nodeIPAMWanted(c *Config) bool {
	return c.Settings.KubeCloudShared.AllocateNodeCIDRs && c.Settings.KubeCloudShared.ClusterCIDR != ""
}

func buildNodeIPAM(d *deps) (lifecycle.Runner, error) {
	s := d.settings.NodeIPAMController
	var ranges []nodeipam.Range
	for text := range strings.SplitSeq(d.settings.KubeCloudShared.ClusterCIDR, ",") {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--cluster-cidr: %w", err)
		}
		bits := s.NodeCIDRMaskSize
		if p.Addr().Is4() && s.NodeCIDRMaskSizeIPv4 != 0 {
			bits = s.NodeCIDRMaskSizeIPv4
		} else if p.Addr().Is6() && s.NodeCIDRMaskSizeIPv6 != 0 {
			bits = s.NodeCIDRMaskSizeIPv6
		}
		ranges = append(ranges, nodeipam.Range{Cluster: p, NodeBits: int(bits)})
	}
	var reserved []netip.Prefix
	for text := range strings.SplitSeq(s.ServiceCIDR, ",") {
		if p, err := netip.ParsePrefix(strings.TrimSpace(text)); err == nil {
			reserved = append(reserved, p)
		}
	}
	return runs(nodeipam.New(nodeipam.Config{Client: d.client, Nodes: d.informers.Core().V1().Nodes(), Events: d.events, Ranges: ranges, Reserved: reserved, Metrics: d.queues}))
}
