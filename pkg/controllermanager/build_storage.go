package controllermanager

import (
	"fmt"
	"os"

	v1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"tiphys.dev/tiphys/pkg/controller/attachdetach"
	"tiphys.dev/tiphys/pkg/controller/attributesclassprotection"
	"tiphys.dev/tiphys/pkg/controller/ephemeralvolume"
	"tiphys.dev/tiphys/pkg/controller/nodettl"
	"tiphys.dev/tiphys/pkg/controller/pvcprotection"
	"tiphys.dev/tiphys/pkg/controller/pvprotection"
	"tiphys.dev/tiphys/pkg/controller/servicecidr"
	"tiphys.dev/tiphys/pkg/controller/volumebinder"
	"tiphys.dev/tiphys/pkg/controller/volumeexpand"
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

func buildVolumeBinder(d *deps) (lifecycle.Runner, error) {
	s := d.settings.PersistentVolumeBinderController
	r := s.VolumeConfiguration.PersistentVolumeRecyclerConfiguration
	nfs, err := recyclerTemplate(r.PodTemplateFilePathNFS)
	if err != nil {
		return nil, err
	}
	hostPath, err := recyclerTemplate(r.PodTemplateFilePathHostPath)
	if err != nil {
		return nil, err
	}
	core := d.informers.Core().V1()
	dynamic := s.VolumeConfiguration.EnableDynamicProvisioning
	return runs(volumebinder.New(volumebinder.Config{Client: d.client, Volumes: core.PersistentVolumes(), Claims: core.PersistentVolumeClaims(),
		Classes: d.informers.Storage().V1().StorageClasses(), Pods: core.Pods(), Events: d.events, Provisioning: dynamic == nil || *dynamic,
		Recycler: volumebinder.Recycler{
			NFS:      volumebinder.Scrubber{Template: nfs, Minimum: int64(r.MinimumTimeoutNFS), Increment: int64(r.IncrementTimeoutNFS)},
			HostPath: volumebinder.Scrubber{Template: hostPath, Minimum: int64(r.MinimumTimeoutHostPath), Increment: int64(r.IncrementTimeoutHostPath)},
		},
		Remind: s.PVClaimBinderSyncPeriod.Duration, Metrics: d.queues, Clock: d.clock}))
}

// recyclerTemplate reads a pod; none without a file.
func recyclerTemplate(file string) (*v1.Pod, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the template of recycling pods: %w", err)
	}
	pod := &v1.Pod{}
	if err := yaml.UnmarshalStrict(text, pod); err != nil {
		return nil, fmt.Errorf("reading the template of recycling pods %s: %w", file, err)
	}
	return pod, nil
}

func buildAttachDetach(d *deps) (lifecycle.Runner, error) {
	core, storage := d.informers.Core().V1(), d.informers.Storage().V1()
	return runs(attachdetach.New(attachdetach.Config{Client: d.client, Nodes: core.Nodes(), Pods: core.Pods(), Claims: core.PersistentVolumeClaims(),
		Volumes: core.PersistentVolumes(), Attachments: storage.VolumeAttachments(), Drivers: storage.CSIDrivers(), Events: d.events,
		Force: !d.settings.AttachDetachController.DisableForceDetachOnTimeout, Workers: 10, Metrics: d.queues, Clock: d.clock}))
}

func buildVolumeExpand(d *deps) (lifecycle.Runner, error) {
	core := d.informers.Core().V1()
	return runs(volumeexpand.New(volumeexpand.Config{Client: d.client, Claims: core.PersistentVolumeClaims(), Volumes: core.PersistentVolumes(), Events: d.events, Workers: 1, Metrics: d.queues}))
}
