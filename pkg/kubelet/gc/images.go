package gc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
)

// CollectImages removes images that are old, and more when their file system is too full.
func (c *Collector) CollectImages(ctx context.Context) error {
	now := c.cfg.Clock.Now()
	images, inUse, err := c.detect(ctx, now)
	if err != nil {
		return err
	}
	var errs []error
	began := now
	for _, image := range images {
		if image.first.Before(began) {
			began = image.first
		}
	}
	for _, image := range Old(images, inUse, c.cfg.ImageMaxAge, now.Sub(began), now) {
		errs = append(errs, c.removeImage(ctx, image))
	}
	capacity, available, err := c.imageFs(ctx)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	if capacity == 0 {
		c.cfg.Recorder.Eventf(c.cfg.NodeRef, v1.EventTypeWarning, "InvalidDiskCapacity", "invalid capacity 0 on image filesystem")
		return errors.Join(append(errs, errors.New("invalid capacity 0 on image filesystem"))...)
	}
	used := 100 - int(available*100/capacity)
	if used < c.cfg.HighPercent {
		return errors.Join(errs...)
	}
	need := int64(capacity)*int64(100-c.cfg.LowPercent)/100 - int64(available)
	freed, err := c.free(ctx, images, inUse, need, now)
	errs = append(errs, err)
	if freed < need {
		missing := fmt.Errorf("failed to garbage collect required amount of images. Attempted to free %d bytes, but only found %d bytes eligible to free", need, freed)
		c.cfg.Recorder.Eventf(c.cfg.NodeRef, v1.EventTypeWarning, "FreeDiskSpaceFailed", "%s", missing.Error())
		errs = append(errs, missing)
	}
	return errors.Join(errs...)
}

// DeleteUnusedImages removes every image that no container uses.
func (c *Collector) DeleteUnusedImages(ctx context.Context) error {
	now := c.cfg.Clock.Now()
	images, inUse, err := c.detect(ctx, now)
	if err != nil {
		return err
	}
	_, err = c.free(ctx, images, inUse, -1, now)
	return err
}

func (c *Collector) free(ctx context.Context, images []*seen, inUse map[string]bool, need int64, now time.Time) (freed int64, err error) {
	minAge := c.cfg.ImageMinAge
	if need < 0 {
		minAge = 0
	}
	var errs []error
	for _, image := range Unused(images, inUse, need, minAge, now) {
		if err := c.removeImage(ctx, image); err != nil {
			errs = append(errs, err)
			continue
		}
		freed += int64(image.size)
	}
	return freed, errors.Join(errs...)
}

func (c *Collector) removeImage(ctx context.Context, image *seen) error {
	klog.FromContext(ctx).Info("Removing image to free bytes", "imageID", image.id, "size", resource.NewQuantity(int64(image.size), resource.BinarySI).String())
	if err := c.cfg.Images.RemoveImage(ctx, &runtimeapi.ImageSpec{Image: image.id}); err != nil {
		return fmt.Errorf("removing image %s: %w", image.id, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.images, image.id)
	return nil
}

// detect brings what is remembered of the images up to date and returns it with those in use.
func (c *Collector) detect(ctx context.Context, now time.Time) ([]*seen, map[string]bool, error) {
	list, err := c.cfg.Images.ListImages(ctx, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("listing images: %w", err)
	}
	containers, err := c.cfg.Runtime.ListContainers(ctx, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("listing containers: %w", err)
	}
	refs := map[string]bool{}
	for _, container := range containers {
		for _, ref := range []string{container.GetImageId(), container.GetImageRef(), container.GetImage().GetImage()} {
			if ref != "" {
				refs[ref] = true
			}
		}
	}
	if c.cfg.InUse != nil {
		for _, ref := range c.cfg.InUse() {
			refs[ref] = true
		}
	}
	inUse, present := map[string]bool{}, map[string]bool{}
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*seen
	for _, image := range list {
		id := image.GetId()
		present[id] = true
		s := c.images[id]
		if s == nil {
			s = &seen{id: id, first: now}
			c.images[id] = s
		}
		s.size, s.pinned = image.GetSize(), image.GetPinned()
		for _, name := range slices.Concat([]string{id}, image.GetRepoTags(), image.GetRepoDigests()) {
			if refs[name] {
				inUse[id], s.last = true, now
			}
		}
		again := *s
		out = append(out, &again)
	}
	for id := range c.images {
		if !present[id] {
			delete(c.images, id)
		}
	}
	return out, inUse, nil
}

func (c *Collector) imageFs(ctx context.Context) (capacity, available uint64, err error) {
	info, err := c.cfg.Images.ImageFsInfo(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("asking for the images' file system: %w", err)
	}
	for _, fs := range info.GetImageFilesystems() {
		var st unix.Statfs_t
		if err = unix.Statfs(fs.GetFsId().GetMountpoint(), &st); err == nil {
			return st.Blocks * uint64(st.Bsize), st.Bavail * uint64(st.Bsize), nil
		}
	}
	return 0, 0, fmt.Errorf("measuring the images' file system: %w", err)
}
