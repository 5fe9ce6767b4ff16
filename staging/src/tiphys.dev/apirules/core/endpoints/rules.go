package endpoints

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"

	"tiphys.dev/apirules/check"
)

// SetDefaults gives each port a protocol.
func SetDefaults(obj *v1.Endpoints) {
	for i := range obj.Subsets {
		for j := range obj.Subsets[i].Ports {
			if port := &obj.Subsets[i].Ports[j]; port.Protocol == "" {
				port.Protocol = v1.ProtocolTCP
			}
		}
	}
}

// Validate checks a new Endpoints object.
func Validate(obj *v1.Endpoints) field.ErrorList {
	errs := validateMeta(obj)
	return append(errs, validateSubsets(obj.Subsets, nil)...)
}

// ValidateUpdate checks a change. Subsets that stay are not judged anew.
func ValidateUpdate(obj, old *v1.Endpoints) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateMeta(obj)...)
	if check.Same(obj.Subsets, old.Subsets) {
		return errs
	}
	return append(errs, validateSubsets(obj.Subsets, old.Subsets)...)
}

// Warnings tells that EndpointSlice took the place of this kind, and of odd IP addresses.
func Warnings(obj *v1.Endpoints) []string {
	warnings := []string{"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"}
	path := field.NewPath("subsets")
	for i, subset := range obj.Subsets {
		for j, a := range subset.Addresses {
			warnings = append(warnings, addressWarnings(path.Index(i).Child("addresses").Index(j).Child("ip"), a.IP)...)
		}
		for j, a := range subset.NotReadyAddresses {
			warnings = append(warnings, addressWarnings(path.Index(i).Child("notReadyAddresses").Index(j).Child("ip"), a.IP)...)
		}
	}
	return warnings
}

func addressWarnings(path *field.Path, ip string) []string {
	if netutils.ParseIPSloppy(ip) == nil {
		return nil
	}
	return validation.GetWarningsForIP(path, ip)
}

// UpdateWarnings are those of the new object.
func UpdateWarnings(obj, _ *v1.Endpoints) []string { return Warnings(obj) }

func validateMeta(obj *v1.Endpoints) field.ErrorList {
	path := field.NewPath("metadata")
	return apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, path)
}

func validateSubsets(subsets, old []v1.EndpointSubset) field.ErrorList {
	var errs field.ErrorList
	oldIPs := addressesOf(old)
	for i := range subsets {
		s, path := &subsets[i], field.NewPath("subsets").Index(i)
		if len(s.Addresses) == 0 && len(s.NotReadyAddresses) == 0 {
			errs = append(errs, field.Required(path, "must specify `addresses` or `notReadyAddresses`"))
		}
		for j := range s.Addresses {
			errs = append(errs, validateAddress(&s.Addresses[j], path.Child("addresses").Index(j), oldIPs)...)
		}
		for j := range s.NotReadyAddresses {
			errs = append(errs, validateAddress(&s.NotReadyAddresses[j], path.Child("notReadyAddresses").Index(j), oldIPs)...)
		}
		for j := range s.Ports {
			errs = append(errs, validatePort(&s.Ports[j], len(s.Ports) > 1, path.Child("ports").Index(j))...)
		}
	}
	return errs
}

func addressesOf(subsets []v1.EndpointSubset) []string {
	var ips []string
	for _, s := range subsets {
		for _, a := range slices.Concat(s.Addresses, s.NotReadyAddresses) {
			ips = append(ips, a.IP)
		}
	}
	return ips
}

func validateAddress(a *v1.EndpointAddress, path *field.Path, oldIPs []string) field.ErrorList {
	errs := validation.IsValidIPForLegacyField(path.Child("ip"), a.IP, true, oldIPs)
	if len(a.Hostname) > 0 {
		errs = append(errs, check.DNSLabel(path.Child("hostname"), a.Hostname)...)
	}
	if a.NodeName != nil {
		errs = append(errs, check.Messages(path.Child("nodeName"), *a.NodeName, apivalidation.NameIsDNSSubdomain(*a.NodeName, false))...)
	}
	return append(errs, check.RoutableIP(path.Child("ip"), a.IP)...)
}

func validatePort(p *v1.EndpointPort, nameRequired bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if nameRequired && p.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), ""))
	} else if p.Name != "" {
		errs = append(errs, check.DNSLabel(path.Child("name"), p.Name)...)
	}
	errs = append(errs, check.Port(path.Child("port"), p.Port)...)
	errs = append(errs, check.RequiredOneOf(path.Child("protocol"), p.Protocol, v1.ProtocolSCTP, v1.ProtocolTCP, v1.ProtocolUDP)...)
	if p.AppProtocol != nil {
		errs = append(errs, check.QualifiedName(path.Child("appProtocol"), *p.AppProtocol)...)
	}
	return errs
}
