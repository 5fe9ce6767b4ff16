package cgroup

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// SyncQOS weighs the burstable class by what its pods requested together, so that a burstable pod next to a guaranteed one
// gets its share, however many siblings it has. pods are those that run or are about to.
func (m *Manager) SyncQOS(ctx context.Context, pods []*v1.Pod) error {
	if !m.cfg.PerQOS {
		return nil
	}
	shares := BurstableShares(pods)
	least := uint64(MinShares)
	if err := m.drv.apply(ctx, m.class(v1.PodQOSBurstable), &Resources{CPUShares: &shares}); err != nil {
		return fmt.Errorf("weighing burstable pods: %w", err)
	}
	if err := m.drv.apply(ctx, m.class(v1.PodQOSBestEffort), &Resources{CPUShares: &least}); err != nil {
		return fmt.Errorf("weighing best-effort pods: %w", err)
	}
	return nil
}

// BurstableShares sums the CPU requests of the burstable pods.
func BurstableShares(pods []*v1.Pod) uint64 {
	var milli int64
	for _, pod := range pods {
		if podstate.QOSClass(pod) != v1.PodQOSBurstable || podstate.IsTerminal(pod) {
			continue
		}
		requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
		milli += requests.Cpu().MilliValue()
	}
	return SharesOf(milli)
}
