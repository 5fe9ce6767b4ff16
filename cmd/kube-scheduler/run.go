package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	componentconfig "k8s.io/component-base/config"
	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"

	v1 "k8s.io/api/core/v1"
	"tiphys.dev/tiphys/pkg/componentserver"
	"tiphys.dev/tiphys/pkg/componentserver/leaderelection"
	"tiphys.dev/tiphys/pkg/lifecycle/gcpace"
	"tiphys.dev/tiphys/pkg/scheduler"
	"tiphys.dev/tiphys/pkg/version"
)

// run serves the endpoint and schedules when it is this process's turn, until ctx ends or the lease is lost.
func run(ctx context.Context, o *options) error {
	logger := klog.FromContext(ctx)
	logger.Info("Starting kube-scheduler", "version", version.Get())
	base, err := o.clientConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(rest.AddUserAgent(rest.CopyConfig(base), "scheduler"))
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	elector, err := o.elector(base)
	if err != nil {
		return err
	}
	registry := metrics.NewKubeRegistry()
	s, start, err := o.scheduler(ctx, base, client, registry, logger)
	if err != nil {
		return err
	}
	synced := readiness{"informer-sync", s.Healthy}
	server, err := componentserver.New(componentserver.Config{
		Name: "kube-scheduler", Serving: o.serving, Authentication: o.authn, Authorization: o.authz,
		Health: []healthz.HealthChecker{elector}, Live: []healthz.HealthChecker{elector}, Ready: []healthz.HealthChecker{elector, synced},
		Metrics: []metrics.KubeRegistry{registry}, ProcessMetrics: true,
		Configz:   map[string]any{"kubescheduler.config.k8s.io": s.Scheduling()},
		Profiling: *o.scheduling.EnableProfiling, ContentionProfiling: *o.scheduling.EnableContentionProfiling,
		Flags: o.fs, Version: o.version,
	})
	if err != nil {
		return err
	}
	pacer, err := gcpace.New(gcpace.Default())
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return pacer.Run(ctx) })
	g.Go(func() error { return server.Run(ctx) })
	if !o.scheduling.DelayCacheUntilActive {
		start(ctx)
	}
	g.Go(func() error {
		err := elector.Run(ctx, func(ctx context.Context) error {
			start(ctx)
			return s.Run(ctx)
		})
		if err == nil && ctx.Err() == nil {
			err = errors.New("the scheduler ended without being told")
		}
		return err
	})
	return g.Wait()
}

// scheduler builds the scheduler and returns how to start its informers; doing so twice is harmless.
func (o *options) scheduler(ctx context.Context, base *rest.Config, client kubernetes.Interface, registry metrics.KubeRegistry, logger klog.Logger) (*scheduler.Scheduler, func(context.Context), error) {
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(trim))
	// Pods that ended use nothing; the API server need not send them.
	factory.InformerFor(&v1.Pod{}, func(client kubernetes.Interface, resync time.Duration) cache.SharedIndexInformer {
		lw := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll,
			fields.ParseSelectorOrDie("status.phase!=Succeeded,status.phase!=Failed"))
		informer := cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(lw, client), &v1.Pod{}, resync, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
		// An informer that was not started takes a transform.
		_ = informer.SetTransform(trim)
		return informer
	})
	dynamicClient, err := dynamic.NewForConfig(rest.AddUserAgent(rest.CopyConfig(base), "scheduler"))
	if err != nil {
		return nil, nil, fmt.Errorf("dynamic client: %w", err)
	}
	dynamicFactory := dynamicinformer.NewDynamicSharedInformerFactory(dynamicClient, 0)
	s, err := scheduler.New(ctx, scheduler.Config{
		Client: client, RESTConfig: base, Informers: factory, DynamicInformers: dynamicFactory, Scheduling: o.scheduling,
		MaxUnschedulable: o.deprecated.maxUnschedulable, Registry: registry, Logger: logger,
	})
	if err != nil {
		return nil, nil, err
	}
	return s, func(ctx context.Context) {
		factory.StartWithContext(ctx)
		dynamicFactory.Start(ctx.Done())
	}, nil
}

// trim drops what nobody here reads and what makes up much of an object's size.
func trim(object any) (any, error) {
	if accessor, ok := object.(metav1.ObjectMetaAccessor); ok {
		accessor.GetObjectMeta().SetManagedFields(nil)
	}
	return object, nil
}

func (o *options) clientConfig() (*rest.Config, error) {
	connection := &o.scheduling.ClientConnection
	cfg, err := clientcmd.BuildConfigFromFlags(o.master, connection.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	cfg.DisableCompression = true
	cfg.AcceptContentTypes, cfg.ContentType = connection.AcceptContentTypes, connection.ContentType
	cfg.QPS, cfg.Burst = connection.QPS, int(connection.Burst)
	if o.unlimited {
		cfg.QPS = -1
	}
	return cfg, nil
}

func (o *options) elector(base *rest.Config) (*leaderelection.Elector, error) {
	e := &o.scheduling.LeaderElection
	leaderConfig := rest.AddUserAgent(rest.CopyConfig(base), "leader-election")
	leaderConfig.Timeout = e.RenewDeadline.Duration / 2
	client, err := kubernetes.NewForConfig(leaderConfig)
	if err != nil {
		return nil, fmt.Errorf("client for leader election: %w", err)
	}
	return leaderelection.New(leaderelection.Config{Client: client, LeaderElectionConfiguration: componentconfig.LeaderElectionConfiguration{
		LeaderElect: *e.LeaderElect, LeaseDuration: e.LeaseDuration, RenewDeadline: e.RenewDeadline, RetryPeriod: e.RetryPeriod,
		ResourceLock: e.ResourceLock, ResourceName: e.ResourceName, ResourceNamespace: e.ResourceNamespace,
	}})
}

// readiness is a named check.
type readiness struct {
	name  string
	check func() error
}

func (r readiness) Name() string              { return r.name }
func (r readiness) Check(*http.Request) error { return r.check() }
