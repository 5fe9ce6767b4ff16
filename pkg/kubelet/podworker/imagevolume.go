package podworker

import (
	"context"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/image"
)

// pullVolumes makes the images present that the container mounts as volumes. It returns the runtime's references by
// the names in the spec.
func (w *worker) pullVolumes(ctx context.Context, pod *v1.Pod, c *v1.Container, handler string, sandbox *runtimeapi.PodSandboxConfig) (map[string]string, error) {
	var refs map[string]string
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.Image == nil || v.Image.Reference == "" || !mountsVolume(c, v.Name) || refs[v.Image.Reference] != "" {
			continue
		}
		ref, err := w.m.cfg.Images.Ensure(ctx, image.Request{Pod: pod, Container: c.Name, Image: v.Image.Reference,
			Policy: v.Image.PullPolicy, RuntimeHandler: handler, Sandbox: sandbox})
		if err != nil {
			return nil, err
		}
		if refs == nil {
			refs = map[string]string{}
		}
		refs[v.Image.Reference] = ref
	}
	return refs, nil
}

func mountsVolume(c *v1.Container, name string) bool {
	for _, m := range c.VolumeMounts {
		if m.Name == name {
			return true
		}
	}
	return false
}

// nameImages puts the runtime's references into the mounts of image volumes.
func nameImages(mounts []*runtimeapi.Mount, refs map[string]string, handler string) {
	for _, m := range mounts {
		if m.Image == nil {
			continue
		}
		if ref := refs[m.Image.Image]; ref != "" {
			m.Image = &runtimeapi.ImageSpec{Image: ref, UserSpecifiedImage: m.Image.Image, RuntimeHandler: handler}
		}
	}
}
