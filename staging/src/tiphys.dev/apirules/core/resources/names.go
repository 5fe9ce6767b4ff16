package resources

import (
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
)

const nativePrefix = v1.ResourceDefaultNamespacePrefix

var (
	containerNames = sets.New(v1.ResourceCPU, v1.ResourceMemory, v1.ResourceEphemeralStorage)

	quotaNames = containerNames.Union(sets.New(
		v1.ResourceRequestsCPU, v1.ResourceRequestsMemory, v1.ResourceRequestsStorage, v1.ResourceRequestsEphemeralStorage,
		v1.ResourceLimitsCPU, v1.ResourceLimitsMemory, v1.ResourceLimitsEphemeralStorage,
		v1.ResourcePods, v1.ResourceQuotas, v1.ResourceServices, v1.ResourceReplicationControllers, v1.ResourceSecrets,
		v1.ResourcePersistentVolumeClaims, v1.ResourceConfigMaps, v1.ResourceServicesNodePorts, v1.ResourceServicesLoadBalancers,
	))

	standardNames = quotaNames.Union(sets.New(v1.ResourceStorage))

	countedNames = sets.New(
		v1.ResourcePods, v1.ResourceQuotas, v1.ResourceServices, v1.ResourceReplicationControllers, v1.ResourceSecrets,
		v1.ResourceConfigMaps, v1.ResourcePersistentVolumeClaims, v1.ResourceServicesNodePorts, v1.ResourceServicesLoadBalancers,
	)
)

// IsHugePages says whether the name is of a huge page size.
func IsHugePages(name v1.ResourceName) bool {
	return strings.HasPrefix(string(name), v1.ResourceHugePagesPrefix)
}

// IsNative says whether the name belongs to Kubernetes itself: it has no prefix, or the prefix kubernetes.io.
func IsNative(name v1.ResourceName) bool {
	return !strings.Contains(string(name), "/") || IsPrefixedNative(name)
}

// IsPrefixedNative says whether the name has the prefix kubernetes.io/.
func IsPrefixedNative(name v1.ResourceName) bool {
	return strings.Contains(string(name), nativePrefix)
}

// IsExtended says whether the name is of a resource that others define, such as example.com/gpu.
func IsExtended(name v1.ResourceName) bool {
	if IsNative(name) || strings.HasPrefix(string(name), v1.DefaultResourceRequestsPrefix) {
		return false
	}
	// It must also make a valid name for a quota, where "requests." goes in front.
	return len(validation.IsQualifiedName(v1.DefaultResourceRequestsPrefix+string(name))) == 0
}

// MayOvercommit says whether the limit may be above the request.
func MayOvercommit(name v1.ResourceName) bool { return IsNative(name) && !IsHugePages(name) }

// IsStandardForContainers says whether a container may ask for it by this name without prefix.
func IsStandardForContainers(name v1.ResourceName) bool {
	return containerNames.Has(name) || IsHugePages(name)
}

// IsStandardForQuota says whether a quota may limit it by this name without prefix.
func IsStandardForQuota(name v1.ResourceName) bool {
	s := string(name)
	return quotaNames.Has(name) || IsHugePages(name) ||
		strings.HasPrefix(s, v1.ResourceRequestsHugePagesPrefix) ||
		strings.HasPrefix(s, "limits."+v1.ResourceHugePagesPrefix)
}

// IsStandard says whether any part of the API knows the name.
func IsStandard(name v1.ResourceName) bool {
	return standardNames.Has(name) || IsStandardForQuota(name)
}

// IsWhole says whether only whole numbers of it make sense.
func IsWhole(name v1.ResourceName) bool { return countedNames.Has(name) || IsExtended(name) }
