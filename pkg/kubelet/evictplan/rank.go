package evictplan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
)

// Usage is what one pod uses.
type Usage struct {
	Memory, Disk, Inodes, PIDs int64
	Containers                 map[string]ContainerUsage
	// EmptyDirs is what each emptyDir on the node's disk holds.
	EmptyDirs map[string]int64
}

// ContainerUsage is what one container uses.
type ContainerUsage struct{ Memory, Disk int64 }

func (u Usage) of(name v1.ResourceName) int64 {
	switch name {
	case v1.ResourceMemory:
		return u.Memory
	case "inodes":
		return u.Inodes
	case "pids":
		return u.PIDs
	default:
		return u.Disk
	}
}

// Rank orders pods by who should go first: those that use more than they requested, then the lower priority, then the larger excess. What
// nobody can request (inodes, process IDs) goes by priority and use.
func Rank(pods []*v1.Pod, usage func(*v1.Pod) Usage, signal Signal) []*v1.Pod {
	type entry struct {
		pod      *v1.Pod
		over     bool
		priority int32
		excess   int64
	}
	name := signal.Resource()
	entries := make([]entry, 0, len(pods))
	for _, pod := range pods {
		e := entry{pod: pod, priority: corev1helpers.PodPriority(pod), excess: usage(pod).of(name)}
		if name == v1.ResourceMemory || name == v1.ResourceEphemeralStorage {
			requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
			q := requests[name]
			e.excess -= q.Value()
			e.over = e.excess > 0
		}
		entries = append(entries, e)
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		over := 0
		if a.over != b.over {
			over = 1
			if a.over {
				over = -1
			}
		}
		return cmp.Or(over, cmp.Compare(a.priority, b.priority), cmp.Compare(b.excess, a.excess))
	})
	out := make([]*v1.Pod, len(entries))
	for i, e := range entries {
		out[i] = e.pod
	}
	return out
}

// Message tells the pod's owner why it had to go.
func Message(pod *v1.Pod, t Threshold, a Amount, u Usage) string {
	var b strings.Builder
	name := t.Signal.Resource()
	fmt.Fprintf(&b, "The node was low on resource: %v. ", name)
	quantity := func(n int64) string { return resource.NewQuantity(n, resource.BinarySI).String() }
	fmt.Fprintf(&b, "Threshold quantity: %s, available: %s. ", quantity(t.Value.Of(a.Capacity)), quantity(a.Available))
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		used, ok := u.Containers[c.Name]
		if !ok {
			continue
		}
		amount := used.Memory
		switch name {
		case v1.ResourceEphemeralStorage:
			amount = used.Disk
		case v1.ResourceMemory:
		default:
			continue
		}
		request := c.Resources.Requests[name]
		if amount > request.Value() {
			fmt.Fprintf(&b, "Container %s was using %s, request is %s, has larger consumption of %v. ", c.Name, quantity(amount), request.String(), name)
		}
	}
	return b.String()
}

// Local tells whether a pod broke one of its own limits on local storage, and which.
func Local(pod *v1.Pod, u Usage) (message string, exceeded bool) {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.EmptyDir == nil || v.EmptyDir.SizeLimit == nil || v.EmptyDir.SizeLimit.IsZero() {
			continue
		}
		if used, ok := u.EmptyDirs[v.Name]; ok && used > v.EmptyDir.SizeLimit.Value() {
			return fmt.Sprintf("Usage of EmptyDir volume %q exceeds the limit %q. ", v.Name, v.EmptyDir.SizeLimit.String()), true
		}
	}
	limits := resourcehelper.PodLimits(pod, resourcehelper.PodResourcesOptions{})
	if limit, ok := limits[v1.ResourceEphemeralStorage]; ok && allLimited(pod) && u.Disk > limit.Value() {
		return fmt.Sprintf("Pod ephemeral local storage usage exceeds the total limit of containers %s. ", limit.String()), true
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		limit, ok := c.Resources.Limits[v1.ResourceEphemeralStorage]
		if ok && u.Containers[c.Name].Disk > limit.Value() {
			return fmt.Sprintf("Container %s exceeded its local ephemeral storage limit %q. ", c.Name, limit.String()), true
		}
	}
	return "", false
}

// HasLocalLimits tells whether Local can ever say yes.
func HasLocalLimits(pod *v1.Pod) bool {
	for i := range pod.Spec.Volumes {
		if e := pod.Spec.Volumes[i].EmptyDir; e != nil && e.SizeLimit != nil && !e.SizeLimit.IsZero() {
			return true
		}
	}
	for i := range pod.Spec.Containers {
		if _, ok := pod.Spec.Containers[i].Resources.Limits[v1.ResourceEphemeralStorage]; ok {
			return true
		}
	}
	return resourcehelper.IsPodLevelLimitsSet(pod) && !pod.Spec.Resources.Limits.StorageEphemeral().IsZero()
}

// allLimited tells whether the sum of limits bounds the pod: one container without a limit may use what it likes.
func allLimited(pod *v1.Pod) bool {
	for i := range pod.Spec.Containers {
		if _, ok := pod.Spec.Containers[i].Resources.Limits[v1.ResourceEphemeralStorage]; !ok {
			return false
		}
	}
	return true
}
