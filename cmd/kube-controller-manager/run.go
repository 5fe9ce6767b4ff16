package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/cert"
	"k8s.io/component-base/metrics"
	"k8s.io/controller-manager/pkg/clientbuilder"
	"k8s.io/klog/v2"
	kcmconfig "k8s.io/kube-controller-manager/config/v1alpha1"

	"tiphys.dev/tiphys/pkg/componentserver"
	"tiphys.dev/tiphys/pkg/componentserver/leaderelection"
	"tiphys.dev/tiphys/pkg/controllermanager"
	"tiphys.dev/tiphys/pkg/lifecycle/gcpace"
	"tiphys.dev/tiphys/pkg/version"
)

// run serves the endpoint and leads when it is this process's turn, until ctx ends or the lease is lost.
func run(ctx context.Context, o *options, fs *pflag.FlagSet) error {
	klog.FromContext(ctx).Info("Starting kube-controller-manager", "version", version.Get())
	o.apply()
	base, err := o.clientConfig(fs)
	if err != nil {
		return err
	}
	rootCA, err := readRootCA(o.settings.SAController.RootCAFile, base)
	if err != nil {
		return err
	}
	election := leaderelection.Config{LeaderElectionConfiguration: o.generic.LeaderElection}
	leaderConfig := rest.AddUserAgent(rest.CopyConfig(base), "leader-election")
	leaderConfig.Timeout = o.generic.LeaderElection.RenewDeadline.Duration / 2
	if election.Client, err = kubernetes.NewForConfig(leaderConfig); err != nil {
		return fmt.Errorf("client for leader election: %w", err)
	}
	elector, err := leaderelection.New(election)
	if err != nil {
		return err
	}
	clients, err := o.clients(base)
	if err != nil {
		return err
	}
	manager, err := controllermanager.New(controllermanager.Config{Clients: clients, Settings: o.settings, RootCA: rootCA})
	if err != nil {
		return err
	}
	server, err := componentserver.New(componentserver.Config{
		Name: "kube-controller-manager", Serving: o.serving, Authentication: o.authn, Authorization: o.authz,
		Health: []healthz.HealthChecker{elector}, Live: []healthz.HealthChecker{elector}, Ready: []healthz.HealthChecker{elector, &cachesFilled{manager: manager, elector: elector}},
		Metrics: []metrics.KubeRegistry{manager.Registry()}, ProcessMetrics: true,
		Configz:   map[string]any{kcmconfig.GroupName: o.settings},
		Profiling: o.generic.Debugging.EnableProfiling, ContentionProfiling: o.generic.Debugging.EnableContentionProfiling,
		Flags: fs, Version: o.version,
	})
	if err != nil {
		return err
	}
	return serveAndLead(ctx, o, server, elector, manager)
}

func serveAndLead(ctx context.Context, o *options, server *componentserver.Server, elector *leaderelection.Elector, manager *controllermanager.Manager) error {
	pacer, err := gcpace.New(gcpace.Default())
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return pacer.Run(ctx) })
	g.Go(func() error { return server.Run(ctx) })
	g.Go(func() error {
		err := elector.Run(ctx, manager.Run)
		if err == nil && ctx.Err() == nil {
			err = errors.New("the controllers ended without being told")
		}
		return err
	})
	return g.Wait()
}

// clientConfig reads the kubeconfig. The published default of 20 requests a second holds only when it was asked for: fairness
// is the server's.
func (o *options) clientConfig(fs *pflag.FlagSet) (*rest.Config, error) {
	cfg, err := clientcmd.BuildConfigFromFlags(o.master, o.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("finding the API server (--kubeconfig or --master): %w", err)
	}
	cfg.QPS = -1
	if fs.Changed("kube-api-qps") {
		cfg.QPS, cfg.Burst = o.generic.ClientConnection.QPS, int(o.generic.ClientConnection.Burst)
	}
	cfg.ContentType = o.generic.ClientConnection.ContentType
	cfg.AcceptContentTypes = strings.Join([]string{runtime.ContentTypeProtobuf, runtime.ContentTypeJSON}, ",")
	return rest.AddUserAgent(cfg, "kube-controller-manager"), nil
}

// clients gives each controller its own service account, when asked for. Watches that all controllers share are made with the
// identity of the process.
func (o *options) clients(base *rest.Config) (controllermanager.Clients, error) {
	own := controllermanager.ClientsFrom(clientbuilder.SimpleControllerClientBuilder{ClientConfig: base})
	if !o.settings.KubeCloudShared.UseServiceAccountCredentials {
		return own, nil
	}
	root, err := own.Kubernetes("kube-controller-manager")
	if err != nil {
		return own, fmt.Errorf("client: %w", err)
	}
	accounts := clientbuilder.NewDynamicClientBuilder(rest.AnonymousClientConfig(base), root.CoreV1(), "kube-system")
	each := controllermanager.ClientsFrom(accounts)
	return controllermanager.Clients{
		Kubernetes: func(name string) (kubernetes.Interface, error) {
			if name == "shared-informers" {
				return own.Kubernetes(name)
			}
			return each.Kubernetes(name)
		},
		REST: each.REST,
	}, nil
}

func readRootCA(file string, cfg *rest.Config) ([]byte, error) {
	if file == "" {
		loaded := rest.CopyConfig(cfg)
		if err := rest.LoadTLSFiles(loaded); err != nil {
			return nil, fmt.Errorf("reading the certificate authority of the kubeconfig: %w", err)
		}
		return loaded.CAData, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading --root-ca-file: %w", err)
	}
	if _, err := cert.ParseCertsPEM(pem); err != nil {
		return nil, fmt.Errorf("--root-ca-file %s: %w", file, err)
	}
	return pem, nil
}

// cachesFilled is the readiness of a leader; who waits for the lease is ready too.
type cachesFilled struct {
	manager *controllermanager.Manager
	elector *leaderelection.Elector
}

func (c *cachesFilled) Name() string { return "informers" }

func (c *cachesFilled) Check(*http.Request) error {
	if !c.elector.Leading() {
		return nil
	}
	select {
	case <-c.manager.Ready():
		return nil
	default:
		return errors.New("caches are not filled yet")
	}
}
