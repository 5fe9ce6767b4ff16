package scheduler

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/queue"
)

// addHandlers connects informers with cache and queue, and makes cluster events of what plugins want to hear about.
func (s *Scheduler) addHandlers() error {
	if err := s.handle(s.cfg.Informers.Core().V1().Pods().Informer(), cache.ResourceEventHandlerFuncs{
		AddFunc: s.podAdded, UpdateFunc: s.podUpdated, DeleteFunc: s.podDeleted,
	}); err != nil {
		return err
	}
	if err := s.handle(s.cfg.Informers.Core().V1().Nodes().Informer(), cache.ResourceEventHandlerFuncs{
		AddFunc: s.nodeAdded, UpdateFunc: s.nodeUpdated, DeleteFunc: s.nodeDeleted,
	}); err != nil {
		return err
	}
	wanted := map[fwk.EventResource]fwk.ActionType{}
	for _, hints := range s.hints {
		for resource, actions := range hints.Resources() {
			wanted[resource] |= actions
		}
	}
	for resource, actions := range wanted {
		if err := s.handleOther(resource, actions); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scheduler) handle(informer cache.SharedIndexInformer, handlers cache.ResourceEventHandler) error {
	registration, err := informer.AddEventHandler(handlers)
	if err != nil {
		return err
	}
	s.synced = append(s.synced, registration.HasSynced)
	return nil
}

// handleOther forwards events of the resource; pods and nodes have handlers of their own.
func (s *Scheduler) handleOther(resource fwk.EventResource, actions fwk.ActionType) error {
	f := s.cfg.Informers
	switch resource {
	case fwk.Pod, fwk.Node, fwk.WildCard, fwk.PodGroup:
		return nil
	case fwk.PersistentVolume:
		return s.handle(f.Core().V1().PersistentVolumes().Informer(), s.forward(resource, actions))
	case fwk.PersistentVolumeClaim:
		return s.handle(f.Core().V1().PersistentVolumeClaims().Informer(), s.forward(resource, actions))
	case fwk.CSINode:
		return s.handle(f.Storage().V1().CSINodes().Informer(), s.forward(resource, actions))
	case fwk.CSIDriver:
		return s.handle(f.Storage().V1().CSIDrivers().Informer(), s.forward(resource, actions))
	case fwk.VolumeAttachment:
		return s.handle(f.Storage().V1().VolumeAttachments().Informer(), s.forward(resource, actions))
	case fwk.CSIStorageCapacity:
		return s.handle(f.Storage().V1().CSIStorageCapacities().Informer(), s.forward(resource, actions))
	case fwk.StorageClass:
		return s.handle(f.Storage().V1().StorageClasses().Informer(), s.forward(resource, actions))
	case fwk.ResourceClaim, fwk.ResourceSlice, fwk.DeviceClass:
		informer, err := s.shared.DeviceInformer(resource)
		if err != nil {
			return err
		}
		return s.handle(informer, s.forward(resource, actions))
	}
	return s.handleDynamic(resource, actions)
}

// handleDynamic forwards events of a resource named "<plural>.<version>.<group>", as out-of-tree plugins write it.
func (s *Scheduler) handleDynamic(resource fwk.EventResource, actions fwk.ActionType) error {
	if s.cfg.DynamicInformers == nil {
		return fmt.Errorf("a plugin waits for events of %q, which needs dynamic informers", resource)
	}
	if strings.Count(string(resource), ".") < 2 {
		return fmt.Errorf("event resource %q is not of the form <plural>.<version>.<group>", resource)
	}
	gvr, _ := schema.ParseResourceArg(string(resource))
	return s.handle(s.cfg.DynamicInformers.ForResource(*gvr).Informer(), s.forward(resource, actions))
}

// forward makes cluster events of a resource without finer kinds of update.
func (s *Scheduler) forward(resource fwk.EventResource, actions fwk.ActionType) cache.ResourceEventHandlerFuncs {
	h := cache.ResourceEventHandlerFuncs{}
	if actions&fwk.Add != 0 {
		h.AddFunc = func(object any) {
			s.move(fwk.ClusterEvent{Resource: resource, ActionType: fwk.Add}, nil, object)
		}
	}
	if actions&fwk.Update != 0 {
		h.UpdateFunc = func(old, new any) {
			s.move(fwk.ClusterEvent{Resource: resource, ActionType: fwk.Update}, old, new)
		}
	}
	if actions&fwk.Delete != 0 {
		h.DeleteFunc = func(object any) {
			s.move(fwk.ClusterEvent{Resource: resource, ActionType: fwk.Delete}, final(object), nil)
		}
	}
	return h
}

func (s *Scheduler) move(event fwk.ClusterEvent, old, new any) {
	s.queue.Move(context.Background(), event, old, new)
}

// final unwraps an object whose deletion was missed.
func final(object any) any {
	if missed, ok := object.(cache.DeletedFinalStateUnknown); ok {
		return missed.Obj
	}
	return object
}

func (s *Scheduler) ours(pod *v1.Pod) bool {
	_, ok := s.profiles[pod.Spec.SchedulerName]
	return ok
}

// terminal pods use nothing any more, whatever node they were on.
func terminal(pod *v1.Pod) bool {
	return pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
}

func (s *Scheduler) podAdded(object any) {
	pod := object.(*v1.Pod)
	switch {
	case terminal(pod):
	case pod.Spec.NodeName != "":
		s.podGotNode(pod, pod)
	case s.ours(pod):
		s.queue.Add(context.Background(), pod)
	}
}

// podGotNode takes in a pod with a node that was unknown as such.
func (s *Scheduler) podGotNode(old, pod *v1.Pod) {
	if s.ours(pod) {
		s.queue.Delete(pod)
	}
	s.nominator.DeleteNominatedPodIfExists(pod)
	if err := s.cache.AddPod(pod); err != nil {
		s.cfg.Logger.Error(err, "Taking in a pod", "pod", klog.KObj(pod))
	}
	s.move(fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Add, CustomLabel: "AssignedPodAdd"}, nil, pod)
	if old.Spec.NodeName == "" {
		// A pod that no longer waits may have held others up, as a nominated one does.
		s.move(fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete, CustomLabel: "UnscheduledPodDelete"}, old, nil)
	}
}

func (s *Scheduler) podUpdated(oldObject, newObject any) {
	old, pod := oldObject.(*v1.Pod), newObject.(*v1.Pod)
	if old.UID != pod.UID {
		// One was deleted and another made with its name between two looks.
		s.podDeleted(old)
		s.podAdded(pod)
		return
	}
	if old.ResourceVersion == pod.ResourceVersion {
		return
	}
	switch {
	case terminal(pod):
		if !terminal(old) {
			s.podDeleted(old)
		}
	case pod.Spec.NodeName == "":
		// Between our decision and its coming back the pod is in the cache; updates in between are of no use to the queue.
		if s.ours(pod) && s.cache.GetPod(pod.UID) == nil {
			s.queue.Update(context.Background(), old, pod)
		}
	case old.Spec.NodeName == "":
		s.podGotNode(old, pod)
	default:
		if err := s.cache.UpdatePod(pod); err != nil {
			s.cfg.Logger.Error(err, "Taking in a pod", "pod", klog.KObj(pod))
		}
		for _, action := range queue.PodUpdateActions(old, pod) {
			s.move(fwk.ClusterEvent{Resource: fwk.Pod, ActionType: action}, old, pod)
		}
	}
}

func (s *Scheduler) podDeleted(object any) {
	pod, ok := final(object).(*v1.Pod)
	if !ok {
		return
	}
	if pod.Spec.NodeName == "" && s.ours(pod) {
		s.queue.Delete(pod)
		if one := s.profiles[pod.Spec.SchedulerName]; one != nil {
			one.RejectWaitingPod(pod.UID)
		}
		s.move(fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete, CustomLabel: "UnscheduledPodDelete"}, pod, nil)
		return
	}
	if pod.Spec.NodeName == "" {
		return
	}
	s.cache.RemovePod(pod)
	s.move(fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete, CustomLabel: "AssignedPodDelete"}, pod, nil)
}

func (s *Scheduler) nodeAdded(object any) {
	node := object.(*v1.Node)
	s.cache.AddNode(node)
	s.move(fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}, nil, node)
}

func (s *Scheduler) nodeUpdated(oldObject, newObject any) {
	old, node := oldObject.(*v1.Node), newObject.(*v1.Node)
	changed := nodeActions(old, node)
	// Heartbeats change nothing anybody decides on.
	if changed == 0 && !imagesChanged(old, node) {
		return
	}
	s.cache.AddNode(node)
	for action := fwk.UpdateNodeAllocatable; action <= fwk.UpdateNodeDeclaredFeature; action <<= 1 {
		if changed&action != 0 {
			s.move(fwk.ClusterEvent{Resource: fwk.Node, ActionType: action}, old, node)
		}
	}
}

// nodeActions compares two versions of a node.
func nodeActions(old, node *v1.Node) fwk.ActionType {
	var out fwk.ActionType
	if !equality.Semantic.DeepEqual(old.Status.Allocatable, node.Status.Allocatable) {
		out |= fwk.UpdateNodeAllocatable
	}
	if !reflect.DeepEqual(old.Labels, node.Labels) {
		out |= fwk.UpdateNodeLabel
	}
	if old.Spec.Unschedulable != node.Spec.Unschedulable || !reflect.DeepEqual(old.Spec.Taints, node.Spec.Taints) {
		out |= fwk.UpdateNodeTaint
	}
	if conditions(old) != conditions(node) {
		out |= fwk.UpdateNodeCondition
	}
	if !reflect.DeepEqual(old.Annotations, node.Annotations) {
		out |= fwk.UpdateNodeAnnotation
	}
	if !reflect.DeepEqual(old.Status.DeclaredFeatures, node.Status.DeclaredFeatures) {
		out |= fwk.UpdateNodeDeclaredFeature
	}
	return out
}

// conditions says which conditions hold, without the times of heartbeats.
func conditions(node *v1.Node) string {
	var b strings.Builder
	for i := range node.Status.Conditions {
		b.WriteString(string(node.Status.Conditions[i].Type))
		b.WriteByte('=')
		b.WriteString(string(node.Status.Conditions[i].Status))
		b.WriteByte(';')
	}
	return b.String()
}

func imagesChanged(old, node *v1.Node) bool {
	if len(old.Status.Images) != len(node.Status.Images) {
		return true
	}
	return !reflect.DeepEqual(old.Status.Images, node.Status.Images)
}

func (s *Scheduler) nodeDeleted(object any) {
	node, ok := final(object).(*v1.Node)
	if !ok {
		return
	}
	s.cache.RemoveNode(node.Name)
	s.move(fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Delete}, node, nil)
}
