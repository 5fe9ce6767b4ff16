package gc

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubelettypes "k8s.io/kubelet/pkg/types"

	"tiphys.dev/tiphys/pkg/kubelet/logs"
)

// CollectContainers removes dead containers and sandboxes, with their logs.
func (c *Collector) CollectContainers(ctx context.Context) error {
	return c.collectContainers(ctx, Policy{MaxPerContainer: c.cfg.MaxPerContainer, MaxContainers: c.cfg.MaxContainers, MinAge: c.cfg.MinAge})
}

// DeleteDeadContainers removes all dead containers, the last of each name too: the disk needs the room more.
func (c *Collector) DeleteDeadContainers(ctx context.Context) error {
	return c.collectContainers(ctx, Policy{MaxContainers: -1})
}

func (c *Collector) collectContainers(ctx context.Context, policy Policy) error {
	if !c.cfg.Synced() {
		return nil
	}
	containers, err := c.cfg.Runtime.ListContainers(ctx, nil)
	if err != nil {
		return fmt.Errorf("listing containers: %w", err)
	}
	// Sandboxes before containers would miss one that was made in between; containers first cannot.
	sandboxes, err := c.cfg.Runtime.ListPodSandbox(ctx, nil)
	if err != nil {
		return fmt.Errorf("listing sandboxes: %w", err)
	}
	unknown := func(uid types.UID) bool { return !c.cfg.Known(uid) }
	var errs []error
	removed := map[string]bool{}
	for _, dead := range Containers(containers, policy, unknown, c.cfg.Clock.Now()) {
		if err := c.removeContainer(ctx, dead.GetId()); err != nil {
			errs = append(errs, err)
			continue
		}
		removed[dead.GetId()] = true
	}
	used := map[string]bool{}
	for _, container := range containers {
		if !removed[container.GetId()] {
			used[container.GetPodSandboxId()] = true
		}
	}
	for _, sandbox := range Sandboxes(sandboxes, used, unknown) {
		if err := c.removeSandbox(ctx, sandbox.GetId()); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (c *Collector) removeContainer(ctx context.Context, id string) error {
	path := ""
	if res, err := c.cfg.Runtime.ContainerStatus(ctx, id, false); err == nil {
		path = res.GetStatus().GetLogPath()
	}
	if err := c.cfg.Runtime.RemoveContainer(ctx, id); err != nil {
		return fmt.Errorf("removing container %s: %w", id, err)
	}
	if path == "" {
		return nil
	}
	return logs.Remove(path)
}

func (c *Collector) removeSandbox(ctx context.Context, id string) error {
	// Stopping a dead sandbox gives back its network.
	if err := c.cfg.Runtime.StopPodSandbox(ctx, id); err != nil {
		return fmt.Errorf("stopping sandbox %s: %w", id, err)
	}
	if err := c.cfg.Runtime.RemovePodSandbox(ctx, id); err != nil {
		return fmt.Errorf("removing sandbox %s: %w", id, err)
	}
	return nil
}

// RemovePodContainers removes every dead container and sandbox of one pod.
func (c *Collector) RemovePodContainers(ctx context.Context, uid types.UID) error {
	labels := map[string]string{kubelettypes.KubernetesPodUIDLabel: string(uid)}
	containers, err := c.cfg.Runtime.ListContainers(ctx, &runtimeapi.ContainerFilter{LabelSelector: labels})
	if err != nil {
		return fmt.Errorf("listing containers of pod %s: %w", uid, err)
	}
	var errs []error
	for _, container := range containers {
		if container.GetState() != runtimeapi.ContainerState_CONTAINER_RUNNING {
			errs = append(errs, c.removeContainer(ctx, container.GetId()))
		}
	}
	sandboxes, err := c.cfg.Runtime.ListPodSandbox(ctx, &runtimeapi.PodSandboxFilter{LabelSelector: labels})
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("listing sandboxes of pod %s: %w", uid, err))...)
	}
	for _, sandbox := range sandboxes {
		if sandbox.GetState() != runtimeapi.PodSandboxState_SANDBOX_READY {
			errs = append(errs, c.removeSandbox(ctx, sandbox.GetId()))
		}
	}
	return errors.Join(errs...)
}
