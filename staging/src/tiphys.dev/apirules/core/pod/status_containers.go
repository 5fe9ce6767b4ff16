package pod

import (
	"math"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// validateContainerReports checks what the node says of containers beside their state: users and devices.
func validateContainerReports(obj *v1.Pod, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	windows := obj.Spec.OS != nil && obj.Spec.OS.Name == v1.Windows
	each := func(child string, list []v1.ContainerStatus, devices bool) {
		for i, s := range list {
			at := path.Child(child).Index(i)
			if windows && s.User != nil && s.User.Linux != nil {
				errs = append(errs, field.Forbidden(at.Child("user", "linux"), "cannot be set for a windows pod"))
			} else if s.User != nil && s.User.Linux != nil {
				errs = append(errs, validateLinuxUser(s.User.Linux, at.Child("user", "linux"))...)
			}
			if !devices && len(s.AllocatedResourcesStatus) > 0 {
				errs = append(errs, field.Forbidden(at.Child("allocatedResourcesStatus"), "must not be specified in container status"))
			}
			if devices {
				errs = append(errs, validateHealth(s.AllocatedResourcesStatus, at.Child("allocatedResourcesStatus"))...)
			}
		}
	}
	each("containerStatuses", obj.Status.ContainerStatuses, true)
	each("initContainerStatuses", obj.Status.InitContainerStatuses, true)
	// Ephemeral containers get no resources.
	each("ephemeralContainerStatuses", obj.Status.EphemeralContainerStatuses, false)
	return errs
}

func validateLinuxUser(u *v1.LinuxContainerUser, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	number := func(at *field.Path, n int64) {
		if n < 0 || n > math.MaxInt32 {
			errs = append(errs, field.Invalid(at, n, validation.InclusiveRangeError(0, math.MaxInt32)))
		}
	}
	number(path.Child("uid"), u.UID)
	number(path.Child("gid"), u.GID)
	for i, g := range u.SupplementalGroups {
		number(path.Child("supplementalGroups").Index(i), g)
	}
	return errs
}

func validateHealth(list []v1.ResourceStatus, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, r := range list {
		seen := map[v1.ResourceID]bool{}
		for j, h := range r.Resources {
			if seen[h.ResourceID] {
				errs = append(errs, field.Duplicate(path.Index(i).Child("resources").Index(j).Child("resourceID"), h.ResourceID))
			}
			seen[h.ResourceID] = true
			if h.Message != nil && *h.Message == "" {
				errs = append(errs, field.Required(path.Index(i).Child("resources").Index(j).Child("message"), "must be non-empty if specified"))
			}
			errs = append(errs, check.OneOf(path.Index(i).Child("resources").Index(j).Child("health"), h.Health,
				v1.ResourceHealthStatusHealthy, v1.ResourceHealthStatusUnhealthy, v1.ResourceHealthStatusUnknown)...)
		}
	}
	return errs
}

// validateExtendedClaim checks the claim that the scheduler made for extended resources.
func validateExtendedClaim(obj *v1.Pod, path *field.Path) field.ErrorList {
	s := obj.Status.ExtendedResourceClaimStatus
	if s == nil {
		return nil
	}
	var errs field.ErrorList
	if at := path.Child("resourceClaimName"); s.ResourceClaimName == "" {
		errs = append(errs, field.Required(at, ""))
	} else {
		errs = append(errs, check.Messages(at, s.ResourceClaimName, apivalidation.NameIsDNSSubdomain(s.ResourceClaimName, false))...)
	}
	known := map[string]bool{}
	for _, list := range [][]v1.Container{obj.Spec.InitContainers, obj.Spec.Containers} {
		for i := range list {
			known[list[i].Name] = true
		}
	}
	if len(s.RequestMappings) == 0 {
		errs = append(errs, field.Required(path.Child("requestMappings"), "at least one request mapping is required"))
	}
	seen := map[v1.ContainerExtendedResourceRequest]bool{}
	for i, m := range s.RequestMappings {
		if at := path.Child("requestMappings").Index(i); seen[m] {
			errs = append(errs, field.Duplicate(at.Child("containerName"), m.ContainerName), field.Duplicate(at.Child("resourceName"), m.ResourceName),
				field.Duplicate(at.Child("requestName"), m.RequestName))
		}
		seen[m] = true
		if !known[m.ContainerName] {
			errs = append(errs, field.Invalid(path.Child("requestMappings").Index(i).Child("containerName"), m.ContainerName,
				"must match the name of an entry in spec.initContainers.name or spec.containers.name"))
		}
		errs = append(errs, check.DNSLabel(path.Child("requestName"), m.RequestName)...)
	}
	return errs
}
