package kubelet

import (
	"context"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/eviction"
	"tiphys.dev/tiphys/pkg/kubelet/evictplan"
	"tiphys.dev/tiphys/pkg/kubelet/gc"
	"tiphys.dev/tiphys/pkg/kubelet/podsource"
	"tiphys.dev/tiphys/pkg/kubelet/podstatus"
	"tiphys.dev/tiphys/pkg/kubelet/podworker"
	"tiphys.dev/tiphys/pkg/kubelet/stats"
)

// measure builds the eyes that look at what pods use.
func (r *rooms) measure() error {
	p, err := stats.New(stats.Config{NodeName: r.cfg.NodeName, Machine: r.machine, RootDir: r.cfg.RootDir,
		LogsDir: r.cfg.Kubelet.PodLogsDir, Runtime: r.client.Runtime, Images: r.client.Images, Groups: r.cgroups,
		Pods: r.workers.Pods, Volumes: r.volumes.Usage})
	if err != nil {
		return err
	}
	r.stats = p
	return nil
}

// clean builds what keeps the node from filling up, and what acts when it does all the same.
func (r *rooms) clean() error {
	kc := &r.cfg.Kubelet
	nodeRef := &v1.ObjectReference{Kind: "Node", APIVersion: "v1", Name: r.cfg.NodeName}
	collector, err := gc.New(gc.Config{Runtime: r.client.Runtime, Images: r.client.Images, Volumes: r.volumes, Groups: r.cgroups,
		Known: r.workers.Known, Finished: r.workers.Stopped, Synced: r.synced.Load,
		MaxPerContainer: r.cfg.MaxDeadPerContainer, MaxContainers: r.cfg.MaxDead,
		HighPercent: int(*kc.ImageGCHighThresholdPercent), LowPercent: int(*kc.ImageGCLowThresholdPercent),
		ImageMinAge: kc.ImageMinimumGCAge.Duration, ImageMaxAge: kc.ImageMaximumGCAge.Duration,
		LogsDir: kc.PodLogsDir, LinksDir: r.cfg.ContainerLogsDir, Recorder: r.recorder, NodeRef: nodeRef})
	if err != nil {
		return err
	}
	r.run(collector.Run)
	r.eviction, err = eviction.New(eviction.Config{
		Settings:   evictplan.Settings{Hard: kc.EvictionHard, Soft: kc.EvictionSoft, SoftGrace: kc.EvictionSoftGracePeriod, MinReclaim: kc.EvictionMinimumReclaim},
		Transition: kc.EvictionPressureTransitionPeriod.Duration, MaxPodGrace: int64(kc.EvictionMaxPodGracePeriod),
		Summary: r.stats.Summary, Node: r.stats.Node, Pods: r.workers.Pods, Kill: r.evict, ReclaimContainers: collector.DeleteDeadContainers,
		ReclaimImages: collector.DeleteUnusedImages, Changed: r.node.Trigger, Recorder: r.recorder, NodeRef: nodeRef})
	if err != nil {
		return err
	}
	r.run(r.eviction.Run)
	return nil
}

// evict ends a pod as failed.
func (r *rooms) evict(ctx context.Context, pod *v1.Pod, message string, graceSeconds int64, condition v1.PodCondition) error {
	return r.workers.Kill(ctx, pod.UID, podworker.Kill{GraceSeconds: &graceSeconds,
		Failure: &podstatus.Failure{Reason: eviction.Reason, Message: message, Condition: &condition}})
}

// pressure is what the node reports; there is none before the first look.
func (r *rooms) pressure() evictplan.Conditions {
	if r.eviction == nil {
		return evictplan.Conditions{}
	}
	return r.eviction.Conditions()
}

// admitUnderPressure asks whether a pod may still come to a node that is short of something.
func (r *rooms) admitUnderPressure(pod *v1.Pod) (ok bool, reason, message string) {
	if r.eviction == nil || podsource.IsStatic(pod) {
		return true, "", ""
	}
	return r.eviction.Admit(pod)
}
