package cri

import (
	"context"
	"time"

	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Observe is told of each call: its name in metrics, how long it took, and how it ended.
type Observe func(operation string, took time.Duration, err error)

// Measured is the same connection, whose calls are told. The events, which are one call without end, and calls that nobody makes are not.
func (c *Client) Measured(observe Observe) *Client {
	out := *c
	out.Runtime = measuredRuntime{c.Runtime, observe}
	out.Images = measuredImages{c.Images, observe}
	return &out
}

type measuredRuntime struct {
	internalapi.RuntimeService
	observe Observe
}

type measuredImages struct {
	internalapi.ImageManagerService
	observe Observe
}

// done is deferred at the beginning of a call.
func (o Observe) done(operation string, began time.Time, err *error) {
	o(operation, time.Since(began), *err)
}

func (m measuredRuntime) Version(ctx context.Context, version string) (_ *runtimeapi.VersionResponse, err error) {
	defer m.observe.done("version", time.Now(), &err)
	return m.RuntimeService.Version(ctx, version)
}

func (m measuredRuntime) Status(ctx context.Context, verbose bool) (_ *runtimeapi.StatusResponse, err error) {
	defer m.observe.done("status", time.Now(), &err)
	return m.RuntimeService.Status(ctx, verbose)
}

func (m measuredRuntime) RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, handler string) (_ string, err error) {
	defer m.observe.done("run_podsandbox", time.Now(), &err)
	return m.RuntimeService.RunPodSandbox(ctx, config, handler)
}

func (m measuredRuntime) StopPodSandbox(ctx context.Context, id string) (err error) {
	defer m.observe.done("stop_podsandbox", time.Now(), &err)
	return m.RuntimeService.StopPodSandbox(ctx, id)
}

func (m measuredRuntime) RemovePodSandbox(ctx context.Context, id string) (err error) {
	defer m.observe.done("remove_podsandbox", time.Now(), &err)
	return m.RuntimeService.RemovePodSandbox(ctx, id)
}

func (m measuredRuntime) PodSandboxStatus(ctx context.Context, id string, verbose bool) (_ *runtimeapi.PodSandboxStatusResponse, err error) {
	defer m.observe.done("podsandbox_status", time.Now(), &err)
	return m.RuntimeService.PodSandboxStatus(ctx, id, verbose)
}

func (m measuredRuntime) ListPodSandbox(ctx context.Context, filter *runtimeapi.PodSandboxFilter) (_ []*runtimeapi.PodSandbox, err error) {
	defer m.observe.done("list_podsandbox", time.Now(), &err)
	return m.RuntimeService.ListPodSandbox(ctx, filter)
}

func (m measuredRuntime) CreateContainer(ctx context.Context, sandbox string, config *runtimeapi.ContainerConfig, pod *runtimeapi.PodSandboxConfig) (_ string, err error) {
	defer m.observe.done("create_container", time.Now(), &err)
	return m.RuntimeService.CreateContainer(ctx, sandbox, config, pod)
}

func (m measuredRuntime) StartContainer(ctx context.Context, id string) (err error) {
	defer m.observe.done("start_container", time.Now(), &err)
	return m.RuntimeService.StartContainer(ctx, id)
}

func (m measuredRuntime) StopContainer(ctx context.Context, id string, timeout int64) (err error) {
	defer m.observe.done("stop_container", time.Now(), &err)
	return m.RuntimeService.StopContainer(ctx, id, timeout)
}

func (m measuredRuntime) RemoveContainer(ctx context.Context, id string) (err error) {
	defer m.observe.done("remove_container", time.Now(), &err)
	return m.RuntimeService.RemoveContainer(ctx, id)
}

func (m measuredRuntime) ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) (_ []*runtimeapi.Container, err error) {
	defer m.observe.done("list_containers", time.Now(), &err)
	return m.RuntimeService.ListContainers(ctx, filter)
}

func (m measuredRuntime) ContainerStatus(ctx context.Context, id string, verbose bool) (_ *runtimeapi.ContainerStatusResponse, err error) {
	defer m.observe.done("container_status", time.Now(), &err)
	return m.RuntimeService.ContainerStatus(ctx, id, verbose)
}

func (m measuredRuntime) UpdateContainerResources(ctx context.Context, id string, resources *runtimeapi.ContainerResources) (err error) {
	defer m.observe.done("update_container", time.Now(), &err)
	return m.RuntimeService.UpdateContainerResources(ctx, id, resources)
}

func (m measuredRuntime) ReopenContainerLog(ctx context.Context, id string) (err error) {
	defer m.observe.done("reopen_container_log", time.Now(), &err)
	return m.RuntimeService.ReopenContainerLog(ctx, id)
}

func (m measuredRuntime) ExecSync(ctx context.Context, id string, cmd []string, timeout time.Duration) (_, _ []byte, err error) {
	defer m.observe.done("exec_sync", time.Now(), &err)
	return m.RuntimeService.ExecSync(ctx, id, cmd, timeout)
}

func (m measuredRuntime) Exec(ctx context.Context, req *runtimeapi.ExecRequest) (_ *runtimeapi.ExecResponse, err error) {
	defer m.observe.done("exec", time.Now(), &err)
	return m.RuntimeService.Exec(ctx, req)
}

func (m measuredRuntime) Attach(ctx context.Context, req *runtimeapi.AttachRequest) (_ *runtimeapi.AttachResponse, err error) {
	defer m.observe.done("attach", time.Now(), &err)
	return m.RuntimeService.Attach(ctx, req)
}

func (m measuredRuntime) PortForward(ctx context.Context, req *runtimeapi.PortForwardRequest) (_ *runtimeapi.PortForwardResponse, err error) {
	defer m.observe.done("port_forward", time.Now(), &err)
	return m.RuntimeService.PortForward(ctx, req)
}

func (m measuredRuntime) ContainerStats(ctx context.Context, id string) (_ *runtimeapi.ContainerStats, err error) {
	defer m.observe.done("container_stats", time.Now(), &err)
	return m.RuntimeService.ContainerStats(ctx, id)
}

func (m measuredRuntime) ListContainerStats(ctx context.Context, filter *runtimeapi.ContainerStatsFilter) (_ []*runtimeapi.ContainerStats, err error) {
	defer m.observe.done("list_container_stats", time.Now(), &err)
	return m.RuntimeService.ListContainerStats(ctx, filter)
}

func (m measuredRuntime) ListPodSandboxStats(ctx context.Context, filter *runtimeapi.PodSandboxStatsFilter) (_ []*runtimeapi.PodSandboxStats, err error) {
	defer m.observe.done("list_podsandbox_stats", time.Now(), &err)
	return m.RuntimeService.ListPodSandboxStats(ctx, filter)
}

func (m measuredImages) ListImages(ctx context.Context, filter *runtimeapi.ImageFilter) (_ []*runtimeapi.Image, err error) {
	defer m.observe.done("list_images", time.Now(), &err)
	return m.ImageManagerService.ListImages(ctx, filter)
}

func (m measuredImages) ImageStatus(ctx context.Context, image *runtimeapi.ImageSpec, verbose bool) (_ *runtimeapi.ImageStatusResponse, err error) {
	defer m.observe.done("image_status", time.Now(), &err)
	return m.ImageManagerService.ImageStatus(ctx, image, verbose)
}

func (m measuredImages) PullImage(ctx context.Context, image *runtimeapi.ImageSpec, auth *runtimeapi.AuthConfig, pod *runtimeapi.PodSandboxConfig) (_ string, err error) {
	defer m.observe.done("pull_image", time.Now(), &err)
	return m.ImageManagerService.PullImage(ctx, image, auth, pod)
}

func (m measuredImages) RemoveImage(ctx context.Context, image *runtimeapi.ImageSpec) (err error) {
	defer m.observe.done("remove_image", time.Now(), &err)
	return m.ImageManagerService.RemoveImage(ctx, image)
}

func (m measuredImages) ImageFsInfo(ctx context.Context) (_ *runtimeapi.ImageFsInfoResponse, err error) {
	defer m.observe.done("image_fs_info", time.Now(), &err)
	return m.ImageManagerService.ImageFsInfo(ctx)
}
