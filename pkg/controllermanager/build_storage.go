package controllermanager

import (
	"tiphys.dev/tiphys/pkg/controller/attributesclassprotection"
	"tiphys.dev/tiphys/pkg/controller/ephemeralvolume"
	"tiphys.dev/tiphys/pkg/controller/nodettl"
	"tiphys.dev/tiphys/pkg/controller/pvcprotection"
	"tiphys.dev/tiphys/pkg/controller/pvprotection"
	"tiphys.dev/tiphys/pkg/controller/servicecidr"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

func buildNodeTTL(d *deps) (lifecycle.Runner, error) {
	return runs(nodettl.New(nodettl.Config{Client: d.client, Nodes: d.informers.Core().V1().Nodes(), Workers: 5, Metrics: d.queues}))
}

func buildServiceCIDR(d *deps) (lifecycle.Runner, error) {
	n := d.informers.Networking().V1()
	return runs(servicecidr.New(servicecidr.Config{Client: d.client, Ranges: n.ServiceCIDRs(), Addresses: n.IPAddresses(), Events: d.events, Workers: 1, Metrics: d.queues, Clock: d.clock}))
}

func buildClaimProtection(d *deps) (lifecycle.Runner, error) {
	core := d.informers.Core().V1()
	return runs(pvcprotection.New(pvcprotection.Config{Client: d.client, Claims: core.PersistentVolumeClaims(), Pods: core.Pods(), Workers: 1, Metrics: d.queues}))
}

func buildVolumeProtection(d *deps) (lifecycle.Runner, error) {
	return runs(pvprotection.New(pvprotection.Config{Client: d.client, Volumes: d.informers.Core().V1().PersistentVolumes(), Metrics: d.queues}))
}

func buildAttributesClassProtection(d *deps) (lifecycle.Runner, error) {
	core := d.informers.Core().V1()
	return runs(attributesclassprotection.New(attributesclassprotection.Config{Client: d.client, Classes: d.informers.Storage().V1().VolumeAttributesClasses(),
		Claims: core.PersistentVolumeClaims(), Volumes: core.PersistentVolumes(), Metrics: d.queues}))
}

func buildEphemeralVolume(d *deps) (lifecycle.Runner, error) {
	core := d.informers.Core().V1()
	return runs(ephemeralvolume.New(ephemeralvolume.Config{Client: d.client, Pods: core.Pods(), Claims: core.PersistentVolumeClaims(), Events: d.events,
		Workers: int(d.settings.EphemeralVolumeController.ConcurrentEphemeralVolumeSyncs), Metrics: d.queues, Counters: d.manager.counters.ephemeral}))
}
