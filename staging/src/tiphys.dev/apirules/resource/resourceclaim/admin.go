package resourceclaim

import (
	v1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Admin access reaches devices that others use. Only a namespace whose label an administrator has set may ask for it.

const adminDenied = "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace"

// AllowsAdminAccess tells whether a namespace of these labels may have admin access.
func AllowsAdminAccess(labels map[string]string) bool {
	return labels[v1.DRAAdminNamespaceLabelKey] == "true"
}

// AdminRequests lists the requests for admin access, as the errors of a namespace without the right. The path is the same
// for a claim and for the claim in a template.
func AdminRequests(spec *v1.ResourceClaimSpec) field.ErrorList {
	var errs field.ErrorList
	for i, r := range spec.Devices.Requests {
		if r.Exactly != nil && r.Exactly.AdminAccess != nil && *r.Exactly.AdminAccess {
			errs = append(errs, field.Forbidden(field.NewPath("spec", "devices", "requests").Index(i).Child("adminAccess"), adminDenied))
		}
	}
	return errs
}

// AdminResults does the same for devices that a status update newly gives away with admin access. Those that the claim has
// already stay: the scheduler and drivers go on with a claim when the label goes.
func AdminResults(obj, old *v1.ResourceClaim) field.ErrorList {
	if obj.Status.Allocation == nil || hasAdminResult(old.Status.Allocation) {
		return nil
	}
	path := field.NewPath("status", "allocation", "devices", "results")
	for i, r := range obj.Status.Allocation.Devices.Results {
		if r.AdminAccess != nil && *r.AdminAccess {
			return field.ErrorList{field.Forbidden(path.Index(i).Child("adminAccess"), adminDenied)} // the first says it all
		}
	}
	return nil
}

func hasAdminResult(a *v1.AllocationResult) bool {
	if a == nil {
		return false
	}
	for _, r := range a.Devices.Results {
		if r.AdminAccess != nil && *r.AdminAccess {
			return true
		}
	}
	return false
}
