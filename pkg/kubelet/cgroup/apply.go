package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// apply writes the resources into the group.
func (h *hierarchy) apply(path string, r *Resources) error {
	if r == nil {
		return nil
	}
	if h.version == 2 {
		return h.applyUnified(path, r)
	}
	var errs []error
	if dir := h.dir("cpu", path); dir != "" {
		if r.CPUShares != nil {
			errs = append(errs, h.set(filepath.Join(dir, "cpu.shares"), strconv.FormatUint(*r.CPUShares, 10)))
		}
		if r.CPUPeriod != nil {
			errs = append(errs, h.set(filepath.Join(dir, "cpu.cfs_period_us"), strconv.FormatUint(*r.CPUPeriod, 10)))
		}
		if r.CPUQuota != nil {
			errs = append(errs, h.set(filepath.Join(dir, "cpu.cfs_quota_us"), strconv.FormatInt(*r.CPUQuota, 10)))
		}
	}
	if dir := h.dir("memory", path); dir != "" && r.Memory != nil {
		errs = append(errs, h.setMemoryV1(dir, *r.Memory))
	}
	if dir := h.dir("pids", path); dir != "" && r.Pids != nil {
		errs = append(errs, h.set(filepath.Join(dir, "pids.max"), maxOr(*r.Pids)))
	}
	if dir := h.dir("hugetlb", path); dir != "" {
		for size, limit := range r.HugePages {
			errs = append(errs, h.setIfPresent(filepath.Join(dir, "hugetlb."+size+".limit_in_bytes"), strconv.FormatInt(limit, 10)))
			errs = append(errs, h.setIfPresent(filepath.Join(dir, "hugetlb."+size+".rsvd.limit_in_bytes"), strconv.FormatInt(limit, 10)))
		}
	}
	return errors.Join(errs...)
}

// setMemoryV1 rounds as the kernel does, so that an unchanged limit is seen as unchanged.
func (h *hierarchy) setMemoryV1(dir string, limit int64) error {
	file := filepath.Join(dir, "memory.limit_in_bytes")
	if limit > 0 {
		limit -= limit % int64(os.Getpagesize())
	}
	return h.set(file, strconv.FormatInt(limit, 10))
}

func (h *hierarchy) applyUnified(path string, r *Resources) error {
	dir := h.dir("", path)
	var errs []error
	if r.CPUShares != nil {
		errs = append(errs, h.set(filepath.Join(dir, "cpu.weight"), strconv.FormatUint(WeightOf(*r.CPUShares), 10)))
	}
	if r.CPUQuota != nil {
		period := uint64(DefaultPeriod.Microseconds())
		if r.CPUPeriod != nil && *r.CPUPeriod > 0 {
			period = *r.CPUPeriod
		}
		errs = append(errs, h.set(filepath.Join(dir, "cpu.max"), fmt.Sprintf("%s %d", maxOr(*r.CPUQuota), period)))
	}
	if r.Memory != nil {
		limit := *r.Memory
		if limit > 0 {
			limit -= limit % int64(os.Getpagesize())
		}
		errs = append(errs, h.set(filepath.Join(dir, "memory.max"), maxOr(limit)))
	}
	if r.Pids != nil {
		errs = append(errs, h.set(filepath.Join(dir, "pids.max"), maxOr(*r.Pids)))
	}
	for size, limit := range r.HugePages {
		errs = append(errs, h.setIfPresent(filepath.Join(dir, "hugetlb."+size+".max"), maxOr(limit)))
		errs = append(errs, h.setIfPresent(filepath.Join(dir, "hugetlb."+size+".rsvd.max"), maxOr(limit)))
	}
	return errors.Join(errs...)
}

// setIfPresent is for controllers that a kernel may be built without.
func (h *hierarchy) setIfPresent(file, value string) error {
	err := h.set(file, value)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func maxOr(n int64) string {
	if n < 0 {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}

// load reads back what the group holds.
func (h *hierarchy) load(path string) (*Resources, error) {
	r := &Resources{}
	if h.version == 2 {
		return r, h.loadUnified(path, r)
	}
	cpu, memory := h.dir("cpu", path), h.dir("memory", path)
	shares, err := h.readUint(filepath.Join(cpu, "cpu.shares"))
	if err != nil {
		return nil, fmt.Errorf("reading cpu weight: %w", err)
	}
	r.CPUShares = &shares
	if period, err := h.readUint(filepath.Join(cpu, "cpu.cfs_period_us")); err == nil {
		r.CPUPeriod = &period
	}
	if s, err := h.read(filepath.Join(cpu, "cpu.cfs_quota_us")); err == nil {
		if quota, err := strconv.ParseInt(s, 10, 64); err == nil {
			r.CPUQuota = &quota
		}
	}
	if limit, err := h.readUint(filepath.Join(memory, "memory.limit_in_bytes")); err == nil {
		r.Memory = memoryLimit(limit)
	}
	return r, nil
}

func (h *hierarchy) loadUnified(path string, r *Resources) error {
	dir := h.dir("", path)
	s, err := h.read(filepath.Join(dir, "cpu.max"))
	if err != nil {
		return fmt.Errorf("reading cpu limit: %w", err)
	}
	if quota, period, ok := strings.Cut(s, " "); ok {
		limit := Unlimited
		if quota != "max" {
			if limit, err = strconv.ParseInt(quota, 10, 64); err != nil {
				return fmt.Errorf("reading cpu limit: %w", err)
			}
		}
		r.CPUQuota = &limit
		if p, err := strconv.ParseUint(period, 10, 64); err == nil {
			r.CPUPeriod = &p
		}
	}
	if limit, err := h.readUint(filepath.Join(dir, "memory.max")); err == nil {
		r.Memory = memoryLimit(limit)
	}
	return nil
}

// memoryLimit knows "none": "max" on v2, a page-rounded largest integer on v1.
func memoryLimit(limit uint64) *int64 {
	n := Unlimited
	if limit < 1<<62 {
		n = int64(limit)
	}
	return &n
}
