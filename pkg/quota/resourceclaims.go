package quota

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/quota/v1/generic"
)

const resourceClaimCount corev1.ResourceName = "count/resourceclaims.resource.k8s.io"

func newResourceClaims(list generic.ListFuncByNamespace, classes ClassNames, owners *Owners) *evaluator {
	return &evaluator{
		resource: resourcev1.Resource("resourceclaims"), list: list, handles: onWrite,
		names: []corev1.ResourceName{resourceClaimCount},
		other: isClaimResource,
		usage: func(item runtime.Object) (corev1.ResourceList, error) {
			c, ok := item.(*resourcev1.ResourceClaim)
			if !ok {
				return nil, unexpected(item, "a resource claim")
			}
			paid, err := owners.prepaid(c)
			if err != nil {
				return nil, err
			}
			return without(claimUsage(c, classes), paid), nil
		},
	}
}

// isClaimResource tells about names of device classes and of extended resources, any of which a class may stand for.
func isClaimResource(name corev1.ResourceName) bool {
	if strings.HasSuffix(string(name), corev1.ResourceClaimsPerClass) {
		return true
	}
	of, ok := strings.CutPrefix(string(name), corev1.DefaultResourceRequestsPrefix)
	return ok && isExtended(corev1.ResourceName(of))
}

// claimUsage charges a device under each name it has: its class, the extended resource named after the class, and the one
// that the class announces. A request with alternatives is charged the most that one of them takes, class by class.
func claimUsage(c *resourcev1.ResourceClaim, classes ClassNames) corev1.ResourceList {
	devices := map[string]int64{}
	for _, r := range c.Spec.Devices.Requests {
		for class, n := range devicesOf(r) {
			devices[class] += n
		}
	}
	usage := corev1.ResourceList{resourceClaimCount: *resource.NewQuantity(1, resource.DecimalSI)}
	for class, n := range devices {
		names := []corev1.ResourceName{
			corev1.ResourceName(class + corev1.ResourceClaimsPerClass),
			corev1.ResourceName(corev1.ResourceImplicitExtendedClaimsPerClass + class),
		}
		if classes != nil {
			if extended := classes.GetExtendedResource(class); extended != "" {
				names = append(names, corev1.ResourceName(corev1.DefaultResourceRequestsPrefix+extended))
			}
		}
		for _, name := range names {
			q := usage[name]
			q.Add(*resource.NewQuantity(n, resource.DecimalSI))
			usage[name] = q
		}
	}
	return usage
}

func devicesOf(r resourcev1.DeviceRequest) map[string]int64 {
	devices := map[string]int64{}
	if r.Exactly != nil {
		devices[r.Exactly.DeviceClassName] = number(r.Exactly.AllocationMode, r.Exactly.Count)
	}
	for _, s := range r.FirstAvailable {
		devices[s.DeviceClassName] = max(devices[s.DeviceClassName], number(s.AllocationMode, s.Count))
	}
	return devices
}

// number is how many devices a request may take. How many "all" are is known only when a node is chosen, so it counts as the
// most that a claim may have. Modes of a newer version count nothing.
func number(mode resourcev1.DeviceAllocationMode, count int64) int64 {
	switch mode {
	case resourcev1.DeviceAllocationModeExactCount:
		return count
	case resourcev1.DeviceAllocationModeAll:
		return resourcev1.AllocationResultsMaxSize
	}
	return 0
}
