package kubelet

import (
	"context"
	"path/filepath"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/device"
	"tiphys.dev/tiphys/pkg/kubelet/podworker"
)

// devices fits the device room to what pod workers ask of it.
type devices struct{ *device.Manager }

func (d devices) Options(pod *v1.Pod, c *v1.Container) (*podworker.DeviceOptions, error) {
	o, err := d.Manager.Options(context.Background(), pod, c)
	if err != nil || o == nil {
		return nil, err
	}
	out := &podworker.DeviceOptions{Envs: map[string]string{}, Annotations: o.Annotations, Mounts: o.Mounts, Devices: o.Devices, CDIDevices: o.CDIDevices}
	for _, e := range o.Envs {
		out.Envs[e.Key] = string(e.Value)
	}
	return out, nil
}

// buildDevices listens for device plugins.
func (r *rooms) buildDevices() (err error) {
	r.devices, err = device.New(device.Config{Dir: filepath.Join(r.cfg.RootDir, "device-plugins"),
		Pods: func() []*v1.Pod { return r.workers.Pods() }, Changed: func() { r.node.Trigger() }})
	if err != nil {
		return err
	}
	r.run(r.devices.Run)
	return nil
}
