package gc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
	kubelettypes "k8s.io/kubelet/pkg/types"
)

// CollectOrphans removes directories, mounts, cgroups and logs of pods that nobody knows and of which nothing runs.
func (c *Collector) CollectOrphans(ctx context.Context) error {
	if !c.cfg.Synced() {
		return nil
	}
	running, err := c.podsInRuntime(ctx)
	if err != nil {
		return err
	}
	gone := func(uid types.UID) bool { return !running[uid] && !c.cfg.Known(uid) }
	return errors.Join(c.podDirs(ctx, gone), c.groups(ctx, gone), c.logDirs(gone), c.links())
}

// podsInRuntime are the pods of which the runtime has anything that is not dead, or that still holds logs.
func (c *Collector) podsInRuntime(ctx context.Context) (map[types.UID]bool, error) {
	out := map[types.UID]bool{}
	sandboxes, err := c.cfg.Runtime.ListPodSandbox(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("listing sandboxes: %w", err)
	}
	for _, s := range sandboxes {
		if s.GetState() == runtimeapi.PodSandboxState_SANDBOX_READY {
			out[types.UID(s.GetMetadata().GetUid())] = true
		}
	}
	containers, err := c.cfg.Runtime.ListContainers(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("listing containers: %w", err)
	}
	for _, container := range containers {
		out[types.UID(kubelettypes.GetPodUID(container.GetLabels()))] = true
	}
	return out, nil
}

func (c *Collector) podDirs(ctx context.Context, gone func(types.UID) bool) error {
	if c.cfg.Volumes == nil {
		return nil
	}
	uids, err := c.cfg.Volumes.PodsOnDisk()
	if err != nil {
		return err
	}
	var errs []error
	for _, uid := range uids {
		if !gone(uid) {
			continue
		}
		if err := c.cfg.Volumes.Unmount(ctx, uid); err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, c.cfg.Volumes.RemovePodDir(uid))
		klog.FromContext(ctx).V(2).Info("Removed orphaned pod directory", "podUID", uid)
	}
	return errors.Join(errs...)
}

func (c *Collector) groups(ctx context.Context, gone func(types.UID) bool) error {
	if c.cfg.Groups == nil {
		return nil
	}
	uids, err := c.cfg.Groups.ListPods()
	if err != nil {
		return err
	}
	var errs []error
	for _, uid := range uids {
		if gone(uid) {
			errs = append(errs, c.cfg.Groups.RemovePod(ctx, uid))
		}
	}
	return errors.Join(errs...)
}

// logDirs are named <namespace>_<name>_<uid>.
func (c *Collector) logDirs(gone func(types.UID) bool) error {
	entries, err := os.ReadDir(c.cfg.LogsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("listing log directories: %w", err)
	}
	var errs []error
	for _, e := range entries {
		parts := strings.Split(e.Name(), "_")
		if uid := types.UID(parts[len(parts)-1]); len(parts) == 3 && gone(uid) {
			errs = append(errs, os.RemoveAll(filepath.Join(c.cfg.LogsDir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// links removes the ones that lead nowhere.
func (c *Collector) links() error {
	entries, err := os.ReadDir(c.cfg.LinksDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("listing log links: %w", err)
	}
	var errs []error
	for _, e := range entries {
		link := filepath.Join(c.cfg.LinksDir, e.Name())
		if _, err := os.Stat(link); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, os.Remove(link))
		}
	}
	return errors.Join(errs...)
}
