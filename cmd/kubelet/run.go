package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/version"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"

	"tiphys.dev/tiphys/pkg/kubelet"
	"tiphys.dev/tiphys/pkg/lifecycle/gcpace"
)

func run(ctx context.Context, args []string) error {
	o := &options{}
	fs := o.flags()
	fs.BoolVar(&o.version, "version", false, "Print version information and quit.")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil
		}
		return err
	}
	if len(fs.Args()) > 0 {
		return fmt.Errorf("unknown command %q", fs.Arg(0))
	}
	if o.version {
		fmt.Printf("Kubernetes %s\n", version.Get().GitVersion)
		return nil
	}
	kc, err := o.load()
	if err != nil {
		return err
	}
	if err := logsapi.ValidateAndApply(&kc.Logging, nil); err != nil {
		return fmt.Errorf("logging: %w", err)
	}
	unlock, err := o.lock()
	if err != nil {
		return err
	}
	defer unlock()
	cfg, err := o.kubeletConfig(ctx, kc)
	if err != nil {
		return err
	}
	if cfg.Client != nil {
		get, stop, err := o.rotate(kc, cfg.NodeName, cfg.NodeIPs, cfg.Client)
		defer stop()
		if err != nil {
			return err
		}
		cfg.GetCertificate = get
	}
	k, err := kubelet.New(cfg)
	if err != nil {
		return err
	}
	pacer, err := gcpace.New(gcpace.Default())
	if err != nil {
		return err
	}
	go func() { _ = pacer.Run(ctx) }()
	return k.Run(ctx)
}

func (o *options) kubeletConfig(ctx context.Context, kc *kubeletconfig.KubeletConfiguration) (kubelet.Config, error) {
	cfg := kubelet.Config{Kubelet: *kc, RootDir: o.rootDir, CertDir: o.certDir, NodeLabels: o.nodeLabels,
		ExternalCloud: o.cloudProvider == "external", MaxDead: o.maxDead, MaxDeadPerContainer: o.maxDeadPerContainer,
		Version: version.Get().GitVersion}
	var err error
	if cfg.NodeName, cfg.Hostname, err = o.nodeName(); err != nil {
		return cfg, err
	}
	if cfg.NodeIPs, err = o.nodeIPs(); err != nil {
		return cfg, err
	}
	if o.kubeconfig == "" {
		return cfg, nil
	}
	if err := o.bootstrap(ctx, cfg.NodeName); err != nil {
		return cfg, err
	}
	rc, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return cfg, fmt.Errorf("reading --kubeconfig: %w", err)
	}
	cfg.Client, err = kubernetes.NewForConfig(wire(rc, kc))
	return cfg, err
}

// wire sets how the kubelet talks to the API server. No client-side rate limit: the API server's priority and fairness
// decides.
func wire(rc *rest.Config, kc *kubeletconfig.KubeletConfiguration) *rest.Config {
	rc = rest.CopyConfig(rc)
	rc.ContentType = kc.ContentType
	rc.AcceptContentTypes = kc.ContentType + ",application/json"
	rc.QPS = -1
	rc.UserAgent = rest.DefaultKubernetesUserAgent()
	return rc
}

// lock takes --lock-file, so that a second kubelet refuses to run.
func (o *options) lock() (func(), error) {
	if o.lockFile == "" {
		if o.exitOnLockContention {
			return nil, fmt.Errorf("--exit-on-lock-contention needs --lock-file")
		}
		return func() {}, nil
	}
	f, err := os.OpenFile(o.lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening --lock-file: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another kubelet holds %s: %w", o.lockFile, err)
	}
	return func() { _ = f.Close() }, nil
}
