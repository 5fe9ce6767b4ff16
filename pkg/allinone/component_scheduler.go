package allinone

import (
	"context"

	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/componentserver"
	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/lifecycle"
	"tiphys.dev/tiphys/pkg/scheduler"
)

func (a *assembly) buildScheduler(ctx context.Context, informers *informer.View) (lifecycle.Runner, error) {
	config, err := a.restConfig(pki.Scheduler)
	if err != nil {
		return nil, err
	}
	client, err := a.client(pki.Scheduler)
	if err != nil {
		return nil, err
	}
	registry := metrics.NewKubeRegistry()
	built, err := scheduler.New(ctx, scheduler.Config{
		Client:         client,
		RESTConfig:     config,
		Informers:      informers,
		StartInformers: true,
		Registry:       registry,
		Logger:         klog.Background().WithName(schedulerName),
	})
	if err != nil {
		return nil, err
	}
	endpoint, err := a.endpoint(componentserver.Config{
		Name:    schedulerName,
		Configz: map[string]any{"kubescheduler.config.k8s.io": built.Scheduling()},
	}, 10259, a.paths.kubeconfig(pki.Scheduler), registry)
	if err != nil {
		return nil, err
	}
	return together{component: built, endpoint: endpoint, ready: closed()}, nil
}

// closed is the readiness of a part that queues work until it can do it.
func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
