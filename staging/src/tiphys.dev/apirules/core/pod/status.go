package pod

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/podspec"
)

// ValidateStatusUpdate checks what the node reports. What has ended stays ended.
func ValidateStatusUpdate(obj, old *v1.Pod) field.ErrorList {
	path := field.NewPath("status")
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, podspec.ValidateAnnotations(obj.Annotations, &obj.Spec, field.NewPath("metadata", "annotations"))...)
	errs = append(errs, validateConditions(obj.Status.Conditions, path.Child("conditions"))...)
	if n := obj.Status.NominatedNodeName; n != "" {
		if obj.Spec.NodeName != "" && n != old.Status.NominatedNodeName {
			errs = append(errs, field.Forbidden(path.Child("nominatedNodeName"), "may not be set on pods that are already bound to a node"))
		}
		errs = append(errs, check.Messages(path.Child("nominatedNodeName"), n, apivalidation.NameIsDNSSubdomain(n, false))...)
	}
	if obj.Spec.NodeName != old.Spec.NodeName {
		errs = append(errs, field.Forbidden(path.Child("nodeName"), "may not be changed directly"))
	}
	errs = append(errs, check.NonNegative(path.Child("observedGeneration"), obj.Status.ObservedGeneration)...)
	errs = append(errs, validateTransitions(obj.Status.ContainerStatuses, old.Status.ContainerStatuses, mayRestart(old, old.Spec.Containers), path.Child("containerStatuses"))...)
	errs = append(errs, validateTransitions(obj.Status.InitContainerStatuses, old.Status.InitContainerStatuses, mayRestart(old, old.Spec.InitContainers), path.Child("initContainerStatuses"))...)
	errs = append(errs, validateEphemeralTransitions(obj.Status.EphemeralContainerStatuses, old.Status.EphemeralContainerStatuses, path.Child("ephemeralContainerStatuses"))...)
	if old.Status.QOSClass != "" {
		errs = append(errs, apivalidation.ValidateImmutableField(obj.Status.QOSClass, old.Status.QOSClass, path.Child("qosClass"))...)
	}
	errs = append(errs, validateContainerReports(obj, path)...)
	errs = append(errs, validateExtendedClaim(obj, path.Child("extendedResourceClaimStatus"))...)
	errs = append(errs, validateAddresses(obj, old)...)
	return append(errs, validateClaimStatuses(obj, path)...)
}

func validateConditions(conditions []v1.PodCondition, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, c := range conditions {
		errs = append(errs, check.QualifiedName(path.Index(i).Child("Type"), string(c.Type))...)
		errs = append(errs, check.NonNegative(path.Index(i).Child("observedGeneration"), c.ObservedGeneration)...)
	}
	return errs
}

// mayRestart says of each container whether it may run again after it ended.
func mayRestart(pod *v1.Pod, containers []v1.Container) func(name string, exit int32) bool {
	return func(name string, exit int32) bool {
		for _, c := range containers {
			if c.Name != name {
				continue
			}
			if len(c.RestartPolicyRules) > 0 {
				return true // rules decide by exit code, and may restart everything
			}
			if c.RestartPolicy != nil {
				return *c.RestartPolicy == v1.ContainerRestartPolicyAlways || *c.RestartPolicy == v1.ContainerRestartPolicyOnFailure && exit != 0
			}
		}
		for _, all := range [][]v1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
			for _, c := range all {
				for _, r := range c.RestartPolicyRules {
					if r.Action == v1.ContainerRestartRuleActionRestartAllContainers {
						return true
					}
				}
			}
		}
		return pod.Spec.RestartPolicy == v1.RestartPolicyAlways || pod.Spec.RestartPolicy == v1.RestartPolicyOnFailure && exit != 0
	}
}

func validateTransitions(now, was []v1.ContainerStatus, restarts func(string, int32) bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, old := range was {
		ended := old.State.Terminated
		if ended == nil || restarts(old.Name, ended.ExitCode) {
			continue
		}
		for i, s := range now {
			if s.Name == old.Name && s.State.Terminated == nil {
				errs = append(errs, field.Forbidden(path.Index(i).Child("state"), "may not be transitioned to non-terminated state"))
			}
		}
	}
	return errs
}

func validateEphemeralTransitions(now, was []v1.ContainerStatus, path *field.Path) field.ErrorList {
	return validateTransitions(now, was, func(string, int32) bool { return false }, path)
}

// validateAddresses checks the addresses of pod and host: at most one of each family, and no duplicates.
func validateAddresses(obj, old *v1.Pod) field.ErrorList {
	path := field.NewPath("status")
	var oldPodIPs, podIPs, oldHostIPs, hostIPs []string
	for _, ip := range old.Status.PodIPs {
		oldPodIPs = append(oldPodIPs, ip.IP)
	}
	for _, ip := range obj.Status.PodIPs {
		podIPs = append(podIPs, ip.IP)
	}
	for _, ip := range old.Status.HostIPs {
		oldHostIPs = append(oldHostIPs, ip.IP)
	}
	for _, ip := range obj.Status.HostIPs {
		hostIPs = append(hostIPs, ip.IP)
	}
	errs := validateAddressList(podIPs, oldPodIPs, path.Child("podIPs"), "may specify no more than one IP for each IP family")
	seen := sets.New[string]()
	for i, ip := range podIPs {
		if seen.Has(ip) {
			errs = append(errs, field.Duplicate(path.Child("podIPs").Index(i), ip))
		}
		seen.Insert(ip)
	}
	if len(hostIPs) > 0 && hostIPs[0] != obj.Status.HostIP {
		errs = append(errs, field.Invalid(path.Child("hostIPs").Index(0).Child("ip"), hostIPs[0], "must be equal to `hostIP`"))
	}
	if _, err := netutils.IsDualStackIPStrings(hostIPs); len(hostIPs) > 1 && err != nil {
		errs = append(errs, field.InternalError(path.Child("hostIPs"), fmt.Errorf("failed to check for dual stack with error:%v", err)))
	}
	return append(errs, validateAddressList(hostIPs, oldHostIPs, path.Child("hostIPs"), "may specify no more than one IP for each IP family")...)
}

func validateAddressList(ips, old []string, path *field.Path, tooMany string) field.ErrorList {
	var errs field.ErrorList
	for i, ip := range ips {
		errs = append(errs, validation.IsValidIPForLegacyField(path.Index(i), ip, true, old)...)
	}
	if len(ips) > 1 {
		if dual, err := netutils.IsDualStackIPStrings(ips); err != nil && path.String() != "status.hostIPs" {
			errs = append(errs, field.InternalError(path, fmt.Errorf("failed to check for dual stack with error:%v", err)))
		} else if err != nil || !dual || len(ips) > 2 {
			errs = append(errs, field.Invalid(path, ips, tooMany))
		}
	}
	return errs
}

func validateClaimStatuses(obj *v1.Pod, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	names, seen := sets.New[string](), sets.New[string]()
	for _, c := range obj.Spec.ResourceClaims {
		names.Insert(c.Name)
	}
	for i, s := range obj.Status.ResourceClaimStatuses {
		at := path.Child("resourceClaimStatuses").Index(i)
		if !names.Has(s.Name) {
			errs = append(errs, field.Invalid(at.Child("name"), s.Name, "must match the name of an entry in `spec.resourceClaims`"))
		}
		if seen.Has(s.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), s.Name))
		}
		seen.Insert(s.Name)
		if s.ResourceClaimName != nil {
			errs = append(errs, check.Messages(at.Child("resourceClaimName"), *s.ResourceClaimName, apivalidation.NameIsDNSSubdomain(*s.ResourceClaimName, false))...)
		}
	}
	return errs
}
