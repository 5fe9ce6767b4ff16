package pod

import (
	"context"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	rules "tiphys.dev/apirules/core/pod"
	"tiphys.dev/apirules/core/podspec"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

const nodeNameField = "spec.nodeName"

var resource = &stored.Resource[*corev1.Pod]{
	Group: "", Name: "pods", Singular: "pod",
	Namespaced: true,
	ShortNames: []string{"po"},
	Categories: []string{"all"},

	New:        func() *corev1.Pod { return &corev1.Pod{} },
	NewList:    func() runtime.Object { return &corev1.PodList{} },
	Spec:       func(o *corev1.Pod) any { return &o.Spec },
	Status:     func(o *corev1.Pod) any { return &o.Status },
	Generation: true,

	DropDisabled:           podspec.Dropper(func(o *corev1.Pod) *corev1.PodSpec { return &o.Spec }),
	PrepareForCreate:       prepareForCreate,
	PrepareForStatusUpdate: prepareForStatusUpdate,

	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,
	Warnings:             rules.Warnings,
	Graceful:             graceful,
	DeletedObject:        true,

	Fields:  selectable,
	Indexed: map[string]func(*corev1.Pod) string{nodeNameField: func(o *corev1.Pod) string { return o.Spec.NodeName }},

	Columns:       columns,
	Row:           row,
	RowConditions: rowConditions,
}

func prepareForCreate(_ context.Context, o *corev1.Pod) {
	o.Status = corev1.PodStatus{Phase: corev1.PodPending, QOSClass: podstate.ComputeQOSClass(o)}
	rules.NormalizeGracePeriod(&o.Spec)
	if len(o.Spec.SchedulingGates) > 0 {
		o.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse,
			Reason: corev1.PodReasonSchedulingGated, Message: "Scheduling is blocked due to non-empty scheduling gates",
			LastTransitionTime: metav1.Now(),
		}}
	}
}

// prepareForStatusUpdate keeps what a status update must not change: a kubelet that has not seen the deletion yet must not
// undo it, and the QoS class never changes.
func prepareForStatusUpdate(_ context.Context, o, old *corev1.Pod) {
	o.DeletionTimestamp, o.DeletionGracePeriodSeconds = old.DeletionTimestamp, old.DeletionGracePeriodSeconds
	if old.Status.QOSClass != "" && o.Status.QOSClass == "" {
		o.Status.QOSClass = old.Status.QOSClass
	}
	// The gate DRANodeAllocatableResources is off.
	if len(old.Status.NodeAllocatableResourceClaimStatuses) == 0 {
		o.Status.NodeAllocatableResourceClaimStatuses = nil
	}
	// Owners are the business of those who own; a status writer has an old picture of them.
	o.OwnerReferences = old.OwnerReferences
}

// graceful gives a running pod its grace period. A pod that no kubelet has, and one that has ended, goes at once.
func graceful(_ context.Context, o *corev1.Pod, options *metav1.DeleteOptions) bool {
	if options == nil {
		return false
	}
	var period int64
	switch {
	case options.GracePeriodSeconds != nil:
		period = *options.GracePeriodSeconds
	case o.Spec.TerminationGracePeriodSeconds != nil:
		period = *o.Spec.TerminationGracePeriodSeconds
	}
	if o.Spec.NodeName == "" || podstate.IsTerminal(o) {
		period = 0
	}
	if period < 0 {
		period = 1
	}
	options.GracePeriodSeconds = &period
	return true
}

func selectable(o *corev1.Pod) fields.Set {
	ip, ips := o.Status.PodIP, ""
	for i, p := range o.Status.PodIPs {
		if i == 0 {
			ip = p.IP
			ips = p.IP
			continue
		}
		ips += "," + p.IP
	}
	// Two more places for name and namespace, which the caller adds.
	set := make(fields.Set, 11)
	set[nodeNameField] = o.Spec.NodeName
	set["spec.restartPolicy"] = string(o.Spec.RestartPolicy)
	set["spec.schedulerName"] = o.Spec.SchedulerName
	set["spec.serviceAccountName"] = o.Spec.ServiceAccountName
	set["spec.hostNetwork"] = strconv.FormatBool(o.Spec.HostNetwork)
	set["status.phase"] = string(o.Status.Phase)
	set["status.podIP"] = ip
	set["status.podIPs"] = ips
	set["status.nominatedNodeName"] = o.Status.NominatedNodeName
	return set
}
