package node

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	cloudprovider "k8s.io/cloud-provider/api"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubeletapis "k8s.io/kubelet/pkg/apis"

	"tiphys.dev/tiphys/pkg/kubelet/evictplan"
)

const (
	// attachByController says that attaching volumes is the controller's work.
	attachByController = "volumes.kubernetes.io/controller-managed-attach-detach"
	maxImageNames      = 5
)

// measured is what was found out for one report.
type measured struct {
	now            metav1.Time
	runtime        *runtimeapi.StatusResponse
	runtimeErr     error
	runtimeVersion string
	images         []*runtimeapi.Image
	storage        uint64
	addresses      []v1.NodeAddress
	pressure       evictplan.Conditions
	volumesInUse   []v1.UniqueVolumeName
	devices        [2]v1.ResourceList
	notReady       []string
}

// measure asks everything a report needs. What cannot be had now makes the node not ready; it is no error.
func (r *Reporter) measure(ctx context.Context) measured {
	m := measured{now: metav1.NewTime(r.cfg.Clock.Now()), pressure: r.cfg.Pressure(), volumesInUse: r.cfg.VolumesInUse(), notReady: r.cfg.NotReady()}
	m.runtime, m.runtimeErr = r.cfg.RuntimeStatus(ctx)
	if m.runtimeErr == nil {
		m.runtimeVersion, _ = r.cfg.RuntimeVersion(ctx)
		var err error
		if m.images, err = r.cfg.Images(ctx); err != nil {
			m.images = nil
		}
	}
	var st unix.Statfs_t
	if err := unix.Statfs(r.cfg.RootDir, &st); err == nil {
		m.storage = st.Blocks * uint64(st.Bsize)
	}
	var err error
	if m.addresses, err = r.addresses(); err != nil {
		m.notReady = append(m.notReady, err.Error())
	}
	m.devices[0], m.devices[1] = r.cfg.Devices()
	return m
}

// build is the node as this kubelet wants it, starting from what the API knows. base is not changed.
func (r *Reporter) build(base *v1.Node, m measured) (*v1.Node, []v1.NodeCondition) {
	node := base.DeepCopy()
	s := &node.Status
	capacity := Capacity(r.cfg.Machine, r.cfg.MaxPods, r.cfg.PodsPerCore, m.storage)
	reserved, err := ParseReservations(r.cfg.KubeReserved, r.cfg.SystemReserved, r.cfg.EvictionHard, capacity)
	if err != nil {
		m.notReady = append(m.notReady, err.Error())
	}
	allocatable := Allocatable(capacity, reserved)
	keepExtended(s.Capacity, capacity)
	keepExtended(s.Allocatable, allocatable)
	maps.Copy(capacity, m.devices[0])
	maps.Copy(allocatable, m.devices[1])
	s.Capacity, s.Allocatable = capacity, allocatable
	if len(m.addresses) > 0 {
		s.Addresses = m.addresses
	}
	s.DaemonEndpoints.KubeletEndpoint.Port = r.cfg.ServerPort
	r.nodeInfo(s, m)
	if m.images != nil {
		s.Images = Images(m.images, int(r.cfg.MaxImages))
	}
	s.VolumesInUse = m.volumesInUse
	s.DeclaredFeatures = r.cfg.DeclaredFeatures
	var changed []v1.NodeCondition
	for _, c := range append(pressures(m.pressure), ready(m.runtime.GetStatus(), m.runtimeErr, m.notReady)) {
		if setCondition(s, c, m.now) {
			changed = append(changed, c)
		}
	}
	return node, changed
}

func (r *Reporter) nodeInfo(s *v1.NodeStatus, m measured) {
	machine := r.cfg.Machine
	info := v1.NodeSystemInfo{MachineID: machine.MachineID, SystemUUID: machine.SystemUUID, BootID: machine.BootID, KernelVersion: machine.Kernel,
		OSImage: machine.OSImage, ContainerRuntimeVersion: m.runtimeVersion, KubeletVersion: r.cfg.KubeletVersion,
		OperatingSystem: machine.OS, Architecture: machine.Architecture}
	if machine.Swap > 0 {
		swap := int64(machine.Swap)
		info.Swap = &v1.NodeSwapStatus{Capacity: &swap}
	}
	if info.ContainerRuntimeVersion == "" {
		info.ContainerRuntimeVersion = s.NodeInfo.ContainerRuntimeVersion
	}
	s.NodeInfo = info
	if m.runtime == nil {
		return
	}
	s.RuntimeHandlers = nil
	for _, h := range m.runtime.GetRuntimeHandlers() {
		recursive, userns := h.GetFeatures().GetRecursiveReadOnlyMounts(), h.GetFeatures().GetUserNamespaces()
		s.RuntimeHandlers = append(s.RuntimeHandlers, v1.NodeRuntimeHandler{Name: h.GetName(),
			Features: &v1.NodeRuntimeHandlerFeatures{RecursiveReadOnlyMounts: &recursive, UserNamespaces: &userns}})
	}
	slices.SortFunc(s.RuntimeHandlers, func(a, b v1.NodeRuntimeHandler) int { return cmp.Compare(a.Name, b.Name) })
	groups := m.runtime.GetFeatures().GetSupplementalGroupsPolicy()
	s.Features = &v1.NodeFeatures{SupplementalGroupsPolicy: &groups}
}

// keepExtended keeps resources that others advertise on this node (anything that is not of the kubelet's own kinds).
func keepExtended(old, fresh v1.ResourceList) {
	for name, q := range old {
		if _, ok := fresh[name]; !ok && strings.Contains(string(name), "/") {
			fresh[name] = q
		}
	}
}

// Images are the largest images with a few names each: the scheduler prefers nodes that have them.
func Images(list []*runtimeapi.Image, limit int) []v1.ContainerImage {
	out := make([]v1.ContainerImage, 0, len(list))
	for _, image := range list {
		names := slices.Concat(image.GetRepoDigests(), image.GetRepoTags())
		if len(names) == 0 {
			continue
		}
		out = append(out, v1.ContainerImage{Names: names[:min(len(names), maxImageNames)], SizeBytes: int64(image.GetSize())})
	}
	slices.SortStableFunc(out, func(a, b v1.ContainerImage) int {
		return cmp.Or(cmp.Compare(b.SizeBytes, a.SizeBytes), slices.Compare(a.Names, b.Names))
	})
	if limit >= 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}

func (r *Reporter) addresses() ([]v1.NodeAddress, error) {
	if r.cfg.ExternalCloud {
		return nil, nil // the cloud controller manager knows them
	}
	ips := r.cfg.NodeIPs
	if len(ips) == 0 || len(ips) == 1 && ips[0].IsUnspecified() {
		ip, err := utilnet.ChooseHostInterface()
		if err != nil {
			return nil, fmt.Errorf("can't get ip address of node %s. error: %w", r.cfg.NodeName, err)
		}
		ips = []net.IP{ip}
	}
	var out []v1.NodeAddress
	for _, ip := range ips {
		out = append(out, v1.NodeAddress{Type: v1.NodeInternalIP, Address: ip.String()})
	}
	return append(out, v1.NodeAddress{Type: v1.NodeHostName, Address: r.cfg.Hostname}), nil
}

// initial is the node as it is registered, without status.
func (r *Reporter) initial() *v1.Node {
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: r.cfg.NodeName, Labels: r.labels(), Annotations: map[string]string{attachByController: "true"}}}
	node.Spec.Taints = slices.Clone(r.cfg.Taints)
	node.Spec.ProviderID = r.cfg.ProviderID
	if r.cfg.ExternalCloud {
		node.Spec.Taints = append(node.Spec.Taints, v1.Taint{Key: cloudprovider.TaintExternalCloudProvider, Value: "true", Effect: v1.TaintEffectNoSchedule})
		if len(r.cfg.NodeIPs) > 0 {
			node.Annotations[cloudprovider.AnnotationAlphaProvidedIPAddr] = r.cfg.NodeIPs[0].String()
		}
	}
	return node
}

// labels are the ones of every node and those asked for.
func (r *Reporter) labels() map[string]string {
	out := map[string]string{
		v1.LabelHostname:      r.cfg.Hostname,
		v1.LabelOSStable:      r.cfg.Machine.OS,
		v1.LabelArchStable:    r.cfg.Machine.Architecture,
		kubeletapis.LabelOS:   r.cfg.Machine.OS,
		kubeletapis.LabelArch: r.cfg.Machine.Architecture,
	}
	maps.Copy(out, r.cfg.Labels)
	return out
}
