package kubelet

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/component-base/metrics"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/admit"
	"tiphys.dev/tiphys/pkg/kubelet/cgroup"
	"tiphys.dev/tiphys/pkg/kubelet/cri"
	"tiphys.dev/tiphys/pkg/kubelet/device"
	"tiphys.dev/tiphys/pkg/kubelet/dns"
	"tiphys.dev/tiphys/pkg/kubelet/eviction"
	"tiphys.dev/tiphys/pkg/kubelet/image"
	"tiphys.dev/tiphys/pkg/kubelet/meter"
	"tiphys.dev/tiphys/pkg/kubelet/objects"
	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/podsource"
	"tiphys.dev/tiphys/pkg/kubelet/podworker"
	"tiphys.dev/tiphys/pkg/kubelet/probe"
	"tiphys.dev/tiphys/pkg/kubelet/report/node"
	"tiphys.dev/tiphys/pkg/kubelet/report/podstatus"
	"tiphys.dev/tiphys/pkg/kubelet/stats"
	"tiphys.dev/tiphys/pkg/kubelet/volume"
)

// rooms are the parts of one running kubelet. News goes up by the functions set here.
type rooms struct {
	cfg     Config
	client  *cri.Client
	machine stats.Machine
	meter   *meter.Meter
	// probeRegistry is shown at a path of its own.
	probeRegistry metrics.KubeRegistry
	recorder      record.EventRecorder

	cgroups  *cgroup.Manager
	objects  *objects.Manager
	volumes  *volume.Manager
	images   *image.Puller
	observer *observe.Observer
	probes   *probe.Manager
	workers  *podworker.Manager
	status   *podstatus.Reporter
	node     *node.Reporter
	mirror   *podsource.Mirror
	stats    *stats.Provider
	devices  *device.Manager
	eviction *eviction.Manager
	// synced: every pod source has delivered.
	synced   atomic.Bool
	dns      *dns.Configurer
	services func(namespace string) ([]*v1.Service, bool)

	handlerFeatures

	runs  []func(context.Context) error
	close func()
}

// build makes every room, lower ones first.
func (k *Kubelet) build(ctx context.Context, client *cri.Client) (*rooms, error) {
	r := &rooms{cfg: k.cfg, probeRegistry: metrics.NewKubeRegistry(), close: func() {}}
	r.meter = meter.New(k.cfg.NodeName, func() []*observe.Pod { return r.observer.All() })
	r.client = client.Measured(r.meter.Called)
	machine, err := stats.ReadMachine()
	if err != nil {
		return nil, fmt.Errorf("kubelet: reading the machine's facts: %w", err)
	}
	r.machine = machine
	r.record(ctx)
	for _, step := range []func() error{r.hands, r.buildDevices, r.eyes, r.mouth, r.will, r.measure, r.clean, r.door} {
		if err := step(); err != nil {
			r.close()
			return nil, err
		}
	}
	return r, nil
}

// record sets up events. Without an API server they go nowhere.
func (r *rooms) record(ctx context.Context) {
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	if r.cfg.Client != nil {
		broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: r.cfg.Client.CoreV1().Events("")})
	}
	r.recorder = broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "kubelet", Host: r.cfg.NodeName})
	r.close = broadcaster.Shutdown
}

func (r *rooms) run(f func(context.Context) error) { r.runs = append(r.runs, f) }

func (r *rooms) hands() (err error) {
	kc := &r.cfg.Kubelet
	if r.cgroups, err = cgroup.New(cgroup.Config{Mount: r.cfg.CgroupMount, Root: kc.CgroupRoot, Driver: kc.CgroupDriver,
		PerQOS: *kc.CgroupsPerQOS, CPUCFSQuota: *kc.CPUCFSQuota, CPUCFSQuotaPeriod: kc.CPUCFSQuotaPeriod.Duration,
		PodPidsLimit: *kc.PodPidsLimit, EnforcePods: slices.Contains(kc.EnforceNodeAllocatable, "pods"),
		Allocatable: func() v1.ResourceList { return r.node.PodsLimit() }}); err != nil {
		return err
	}
	if r.cgroups.Version() == 1 && kc.FailCgroupV1 != nil && *kc.FailCgroupV1 {
		return fmt.Errorf("kubelet: this host has cgroup v1; set failCgroupV1 to false to run on it all the same")
	}
	if r.objects, err = objects.New(objects.Config{Client: r.cfg.Client, OnChange: func(pods []types.UID) { r.workers.ObjectsChanged(pods) }}); err != nil {
		return err
	}
	r.run(r.objects.Run)
	if r.volumes, err = volume.New(volume.Config{RootDir: r.cfg.RootDir, NodeName: r.cfg.NodeName, Client: r.cfg.Client,
		Objects: r.objects, Recorder: r.recorder, Allocatable: func() v1.ResourceList { return r.node.Allocatable() },
		NodeLabels: func() map[string]string { return r.node.Node().Labels }, RecursiveReadOnly: r.recursiveReadOnly()}); err != nil {
		return err
	}
	r.run(r.volumes.Run)
	resolv := ""
	if kc.ResolverConfig != nil {
		resolv = *kc.ResolverConfig
	}
	if r.dns, err = dns.New(dns.Config{ClusterDNS: r.cfg.clusterDNS(), ClusterDomain: kc.ClusterDomain, ResolvConf: resolv, Recorder: r.recorder}); err != nil {
		return err
	}
	parallel := 0
	switch {
	case kc.SerializeImagePulls != nil && *kc.SerializeImagePulls:
		parallel = 1
	case kc.MaxParallelImagePulls != nil:
		parallel = int(*kc.MaxParallelImagePulls)
	}
	r.images, err = image.New(image.Config{Images: r.client.Images, Secrets: r.objects, MaxParallel: parallel,
		Event: func(pod *v1.Pod, container, kind, reason, message string) {
			r.workers.Event(pod, container, kind, reason, message)
		},
		CredentialFiles: []string{filepath.Join(r.cfg.RootDir, "config.json"), "/root/.docker/config.json", "/.docker/config.json"},
		RecordDir:       filepath.Join(r.cfg.RootDir, "image_manager"), Verification: kc.ImagePullCredentialsVerificationPolicy,
		Allowlist: kc.PreloadedImagesVerificationAllowlist})
	return err
}

func (r *rooms) eyes() (err error) {
	if r.observer, err = observe.New(observe.Config{Runtime: r.client.Runtime, OnChange: func(uid types.UID) { r.workers.Wake(uid) }}); err != nil {
		return err
	}
	r.run(r.observer.Run)
	if r.probes, err = probe.New(probe.Config{Exec: execSync(r.client), Recorder: r.recorder, Registry: r.probeRegistry}); err != nil {
		return err
	}
	r.run(r.probes.Run)
	r.run(func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case result := <-r.probes.Results():
				r.workers.Wake(result.PodUID)
			}
		}
	})
	return nil
}

func (r *rooms) mouth() (err error) {
	if r.cfg.Client != nil {
		if r.mirror, err = podsource.NewMirror(podsource.MirrorConfig{Client: r.cfg.Client,
			Node:    func() *v1.Node { return r.node.Node() },
			Changed: func(static types.UID) { r.status.Again(static) }}); err != nil {
			return err
		}
		r.run(r.mirror.Run)
	}
	mirrorOf := func(pod *v1.Pod) *v1.Pod { return pod }
	if r.mirror != nil {
		mirrorOf = r.mirror.Of
	}
	if r.status, err = podstatus.New(podstatus.Config{Client: r.cfg.Client, Mirror: mirrorOf}); err != nil {
		return err
	}
	r.run(r.status.Run)
	kc := &r.cfg.Kubelet
	r.node, err = node.New(node.Config{Client: r.cfg.Client, NodeName: r.cfg.NodeName, Hostname: r.cfg.Hostname,
		Labels: r.cfg.NodeLabels, Taints: kc.RegisterWithTaints, Register: *kc.RegisterNode, NodeIPs: r.cfg.NodeIPs,
		ExternalCloud: r.cfg.ExternalCloud, ProviderID: kc.ProviderID, ServerPort: kc.Port, KubeletVersion: r.cfg.Version,
		MaxPods: kc.MaxPods, PodsPerCore: kc.PodsPerCore, PodCIDR: kc.PodCIDR, KubeReserved: kc.KubeReserved,
		SystemReserved: kc.SystemReserved, EvictionHard: kc.EvictionHard, RootDir: r.cfg.RootDir,
		MaxImages: *kc.NodeStatusMaxImages, StatusPeriod: kc.NodeStatusUpdateFrequency.Duration,
		ReportPeriod: kc.NodeStatusReportFrequency.Duration, LeaseSeconds: kc.NodeLeaseDurationSeconds, Machine: r.machine,
		RuntimeStatus: func(ctx context.Context) (*runtimeapi.StatusResponse, error) {
			return r.client.Runtime.Status(ctx, false)
		},
		RuntimeVersion: func(context.Context) (string, error) { return r.client.RuntimeVersion(), nil },
		Images: func(ctx context.Context) ([]*runtimeapi.Image, error) {
			return r.client.Images.ListImages(ctx, nil)
		},
		Pressure: r.pressure, Devices: r.devices.Capacity, Recorder: r.recorder})
	if err != nil {
		return err
	}
	r.run(r.node.Run)
	return nil
}

func (r *rooms) will() (err error) {
	kc := &r.cfg.Kubelet
	r.watchServices()
	r.workers, err = podworker.New(podworker.Config{
		Worked: r.meter.Worked, PodStarted: r.meter.Started,
		NodeName: r.cfg.NodeName, Hostname: r.cfg.Hostname, RootDir: r.cfg.RootDir, LogsDir: kc.PodLogsDir,
		LinksDir: r.cfg.ContainerLogsDir, Runtime: r.client.Runtime, ImageStatus: r.client.Images,
		RuntimeName: r.client.RuntimeName(), Observer: r.observer, Images: r.images, Objects: r.objects,
		Volumes: r.volumes, Cgroups: groups{r.cgroups}, DNS: names{r.dns, "/etc/hosts"}, Probes: probes{r.probes}, Devices: devices{r.devices},
		Reporter: r.status, Recorder: r.recorder, Services: r.services, RuntimeHandler: r.runtimeHandler,
		Node: r.node.Node, HostIPs: r.hostIPs, PodsChanged: r.podsChanged,
		SeccompDefault: *kc.SeccompDefault, CPUCFSQuota: *kc.CPUCFSQuota, CPUCFSQuotaPeriod: kc.CPUCFSQuotaPeriod.Duration,
		CgroupV2: r.cgroups.Version() == 2, MemoryCapacity: int64(r.machine.Memory), AppArmor: appArmor(),
		Admit: r.admit,
		CheckResize: func(pod *v1.Pod, active []*v1.Pod) (reason, message string) {
			return admit.CheckResize(pod, r.node.Node(), active)
		},
		MaxBackOff: kc.CrashLoopBackOff.MaxContainerRestartPeriod.Duration,
	})
	if err != nil {
		return err
	}
	r.run(r.workers.Run)
	return nil
}

// watchServices keeps the services that pods are told of in their environment.
func (r *rooms) watchServices() {
	if r.cfg.Client == nil {
		r.services = func(string) ([]*v1.Service, bool) { return nil, true }
		return
	}
	factory := r.cfg.Informers
	if factory == nil {
		factory = informers.NewSharedInformerFactoryWithOptions(r.cfg.Client, 0, informers.WithTransform(func(o any) (any, error) {
			if m, ok := o.(metav1.Object); ok {
				m.SetManagedFields(nil)
			}
			return o, nil
		}))
	}
	services := factory.Core().V1().Services()
	informer, lister := services.Informer(), services.Lister()
	r.services = func(namespace string) ([]*v1.Service, bool) {
		all, err := lister.Services(namespace).List(labels.Everything())
		return all, err == nil && informer.HasSynced()
	}
	own := r.cfg.Informers == nil
	r.run(func(ctx context.Context) error {
		factory.StartWithContext(ctx)
		<-ctx.Done()
		if own {
			factory.Shutdown()
		}
		return nil
	})
}

func (r *rooms) runtimeHandler(ctx context.Context, class string) (string, error) {
	if r.cfg.Client == nil {
		return "", fmt.Errorf("runtime class %q: no API server to ask", class)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	rc, err := r.cfg.Client.NodeV1().RuntimeClasses().Get(ctx, class, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("reading runtime class %q: %w", class, err)
	}
	return rc.Handler, nil
}

func (r *rooms) hostIPs() []string {
	var ips []string
	for _, a := range r.node.Node().Status.Addresses {
		if a.Type == v1.NodeInternalIP {
			ips = append(ips, a.Address)
		}
	}
	return ips
}

func (r *rooms) admit(pod *v1.Pod, active []*v1.Pod) podworker.Decision {
	if ok, reason, message := r.admitUnderPressure(pod); !ok {
		return podworker.Decision{Reason: reason, Message: message}
	}
	d := admit.Admit(pod, r.node.Node(), active, admit.Options{AllowedUnsafeSysctls: r.cfg.Kubelet.AllowedUnsafeSysctls,
		AppArmor: appArmor(), Static: podsource.IsStatic(pod)})
	if d.Admit {
		if err := r.devices.AllocatePod(context.Background(), pod); err != nil {
			return podworker.Decision{Reason: "UnexpectedAdmissionError", Message: fmt.Sprintf("Allocate failed due to %v, which is unexpected", err)}
		}
	}
	return podworker.Decision{Admit: d.Admit, Reason: d.Reason, Message: d.Message, Preempt: d.Preempt}
}

// podsChanged keeps the burstable group's share of CPU at the sum of its pods.
func (r *rooms) podsChanged() {
	_ = r.cgroups.SyncQOS(context.Background(), r.workers.Pods()) // set again at the next change
	r.workers.RetryResizes()
}
