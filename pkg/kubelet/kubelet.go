package kubelet

import (
	"context"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/kubelet/cri"
	"tiphys.dev/tiphys/pkg/kubelet/sysctl"
)

// Kubelet runs the pods of one node.
type Kubelet struct {
	cfg   Config
	ready chan struct{}
	once  sync.Once
}

// New checks the configuration. Nothing is started.
func New(cfg Config) (*Kubelet, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return &Kubelet{cfg: cfg, ready: make(chan struct{})}, nil
}

// Ready is closed when pods are let in.
func (k *Kubelet) Ready() <-chan struct{} { return k.ready }

// Run works until ctx ends, and returns when everything it started has ended.
func (k *Kubelet) Run(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("kubelet: must run as root: it mounts volumes and makes cgroups")
	}
	for _, dir := range []string{k.cfg.RootDir, k.cfg.Kubelet.PodLogsDir, k.cfg.ContainerLogsDir} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return fmt.Errorf("kubelet: making its directory: %w", err)
		}
	}
	for _, dir := range []string{k.cfg.Kubelet.PodLogsDir, k.cfg.ContainerLogsDir} {
		_ = os.Chmod(dir, 0o755) // log collectors read there without being root
	}
	client, err := cri.Connect(ctx, cri.Config{Endpoint: k.cfg.Kubelet.ContainerRuntimeEndpoint,
		ImageEndpoint: k.cfg.Kubelet.ImageServiceEndpoint, Timeout: k.cfg.Kubelet.RuntimeRequestTimeout.Duration})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close(context.WithoutCancel(ctx)) }()
	rooms, err := k.build(ctx, client)
	if err != nil {
		return err
	}
	defer rooms.close()
	if err := k.kernel(ctx); err != nil {
		return err
	}
	if err := rooms.cgroups.EnsureRoots(ctx); err != nil {
		return fmt.Errorf("kubelet: making the cgroups of pods: %w", err)
	}
	// What runs must be known before pods come in: a pod that has its containers is not started again.
	if err := rooms.observer.Relist(ctx); err != nil {
		return fmt.Errorf("kubelet: asking what runs: %w", err)
	}
	sources, err := rooms.sources()
	if err != nil {
		return err
	}
	lowerOOMScore(ctx, k.cfg.Kubelet.OOMScoreAdj)
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range append(rooms.runs, sources...) {
		group.Go(func() error { return run(ctx) })
	}
	k.once.Do(func() { close(k.ready) })
	klog.FromContext(ctx).Info("Kubelet runs", "node", k.cfg.NodeName, "runtime", client.RuntimeVersion())
	return group.Wait()
}

// kernel sets the kernel's behaviour that pods rely on (panic, overcommit), or, with protectKernelDefaults, refuses a
// host that has it otherwise.
func (k *Kubelet) kernel(ctx context.Context) error {
	changes, err := sysctl.Ensure("/proc/sys", sysctl.Node(), k.cfg.Kubelet.ProtectKernelDefaults)
	if k.cfg.KernelChanged != nil && len(changes) > 0 {
		k.cfg.KernelChanged(changes)
	}
	if err != nil && k.cfg.Kubelet.ProtectKernelDefaults {
		return fmt.Errorf("kubelet: %w", err)
	}
	if err != nil {
		klog.FromContext(ctx).Error(err, "Kernel settings are not as pods would like them")
	}
	return nil
}

// lowerOOMScore keeps the kernel from choosing the kubelet first. Some machines do not allow it; that is no reason not
// to run.
func lowerOOMScore(ctx context.Context, score *int32) {
	if score == nil {
		return
	}
	if err := os.WriteFile("/proc/self/oom_score_adj", fmt.Appendf(nil, "%d", *score), 0o644); err != nil {
		klog.FromContext(ctx).V(1).Info("Could not set the kubelet's own OOM score", "score", *score, "err", err)
	}
}
