package controllermanager

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tiphys.dev/tiphys/pkg/controller/endpoints"
	"tiphys.dev/tiphys/pkg/controller/endpointslice"
	"tiphys.dev/tiphys/pkg/controller/endpointslicemirroring"
	"tiphys.dev/tiphys/pkg/controller/garbagecollector"
	"tiphys.dev/tiphys/pkg/controller/namespace"
	"tiphys.dev/tiphys/pkg/controller/nodelifecycle"
	"tiphys.dev/tiphys/pkg/controller/podgc"
	"tiphys.dev/tiphys/pkg/controller/rootca"
	"tiphys.dev/tiphys/pkg/controller/serviceaccount"
	"tiphys.dev/tiphys/pkg/controller/tainteviction"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

func buildServiceAccount(d *deps) (lifecycle.Runner, error) {
	core := d.informers.Core().V1()
	return runs(serviceaccount.New(serviceaccount.Config{Client: d.client, Namespaces: core.Namespaces(), ServiceAccounts: core.ServiceAccounts(),
		Workers: 1, Metrics: d.queues}))
}

func buildRootCA(d *deps) (lifecycle.Runner, error) {
	core := d.informers.Core().V1()
	watcher, err := d.manager.cfg.Clients.Kubernetes("shared-informers")
	if err != nil {
		return nil, err
	}
	return runs(rootca.New(rootca.Config{Client: d.client, Watcher: watcher, Namespaces: core.Namespaces(), RootCA: d.manager.cfg.RootCA, Workers: 1, Metrics: d.queues}))
}

func buildNamespace(d *deps) (lifecycle.Runner, error) {
	meta, err := d.metadata()
	if err != nil {
		return nil, err
	}
	disco, err := d.discovery()
	if err != nil {
		return nil, err
	}
	core := d.informers.Core().V1()
	return runs(namespace.New(namespace.Config{Client: d.client, Metadata: meta, Discovery: disco, Namespaces: core.Namespaces(), Pods: core.Pods(),
		Workers: int(d.settings.NamespaceController.ConcurrentNamespaceSyncs), Metrics: d.queues, Clock: d.clock}))
}

func buildGarbageCollector(d *deps) (lifecycle.Runner, error) {
	meta, err := d.metadata()
	if err != nil {
		return nil, err
	}
	disco, err := d.discovery()
	if err != nil {
		return nil, err
	}
	var ignored []schema.GroupResource
	for _, r := range d.settings.GarbageCollectorController.GCIgnoredResources {
		ignored = append(ignored, schema.GroupResource{Group: r.Group, Resource: r.Resource})
	}
	return runs(garbagecollector.New(garbagecollector.Config{Metadata: meta, Discovery: disco, Events: d.events, Shared: d.manager.shared,
		Ignored: ignored, Workers: int(d.settings.GarbageCollectorController.ConcurrentGCSyncs), Metrics: d.queues, Clock: d.clock}))
}

func buildEndpointSlice(d *deps) (lifecycle.Runner, error) {
	core, s := d.informers.Core().V1(), d.settings.EndpointSliceController
	return runs(endpointslice.New(endpointslice.Config{Client: d.client, Services: core.Services(), Pods: core.Pods(), Nodes: core.Nodes(),
		EndpointSlices: d.informers.Discovery().V1().EndpointSlices(), Events: d.events, MaxEndpoints: s.MaxEndpointsPerSlice,
		BatchPeriod: s.EndpointUpdatesBatchPeriod.Duration, Workers: int(s.ConcurrentServiceEndpointSyncs), Metrics: d.queues}))
}

func buildNodeLifecycle(d *deps) (lifecycle.Runner, error) {
	core, s := d.informers.Core().V1(), d.settings.NodeLifecycleController
	return runs(nodelifecycle.New(nodelifecycle.Config{
		Settings: nodelifecycle.Settings{
			MonitorGracePeriod: s.NodeMonitorGracePeriod.Duration, StartupGracePeriod: s.NodeStartupGracePeriod.Duration,
			EvictionRate: s.NodeEvictionRate, SecondaryEvictionRate: s.SecondaryNodeEvictionRate,
			LargeClusterThreshold: s.LargeClusterSizeThreshold, UnhealthyZoneThreshold: s.UnhealthyZoneThreshold,
		},
		Client: d.client, Nodes: core.Nodes(), Leases: d.informers.Coordination().V1().Leases(), Pods: core.Pods(), Events: d.events,
		Workers: 8, Metrics: d.queues, Clock: d.clock}))
}

func buildTaintEviction(d *deps) (lifecycle.Runner, error) {
	core := d.informers.Core().V1()
	return runs(tainteviction.New(tainteviction.Config{Client: d.client, Pods: core.Pods(), Nodes: core.Nodes(), Events: d.events,
		Workers: 8, Metrics: d.queues, Clock: d.clock}))
}

func buildPodGC(d *deps) (lifecycle.Runner, error) {
	core := d.informers.Core().V1()
	return runs(podgc.New(podgc.Config{Client: d.client, Pods: core.Pods(), Nodes: core.Nodes(),
		Threshold: int(d.settings.PodGCController.TerminatedPodGCThreshold), Metrics: d.queues, Clock: d.clock}))
}

func buildEndpoints(d *deps) (lifecycle.Runner, error) {
	core, s := d.informers.Core().V1(), d.settings.EndpointController
	return runs(endpoints.New(endpoints.Config{Client: d.client, Services: core.Services(), Pods: core.Pods(), Endpoints: core.Endpoints(), Events: d.events,
		BatchPeriod: s.EndpointUpdatesBatchPeriod.Duration, Workers: int(s.ConcurrentEndpointSyncs), Metrics: d.queues}))
}

func buildEndpointSliceMirroring(d *deps) (lifecycle.Runner, error) {
	core, s := d.informers.Core().V1(), d.settings.EndpointSliceMirroringController
	return runs(endpointslicemirroring.New(endpointslicemirroring.Config{Client: d.client, Services: core.Services(), Endpoints: core.Endpoints(),
		EndpointSlices: d.informers.Discovery().V1().EndpointSlices(), MaxEndpoints: s.MirroringMaxEndpointsPerSubset,
		BatchPeriod: s.MirroringEndpointUpdatesBatchPeriod.Duration, Workers: int(s.MirroringConcurrentServiceEndpointSyncs), Metrics: d.queues}))
}
