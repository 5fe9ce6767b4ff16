package endpointslice

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	v1 "k8s.io/api/discovery/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"

	"tiphys.dev/apirules/check"
)

const (
	mostTopologyLabels = 16
	mostAddresses      = 100
	mostPorts          = 20000
	mostEndpoints      = 1000
	mostZoneHints      = 8
	mostNodeHints      = 8
)

// SetDefaults names ports with nothing and gives them a protocol.
func SetDefaults(obj *v1.EndpointSlice) {
	for i := range obj.Ports {
		p := &obj.Ports[i]
		if p.Name == nil {
			name := ""
			p.Name = &name
		}
		if p.Protocol == nil {
			tcp := corev1.ProtocolTCP
			p.Protocol = &tcp
		}
	}
}

// Validate checks a new slice.
func Validate(obj *v1.EndpointSlice) field.ErrorList { return validate(obj, nil) }

// ValidateUpdate checks a change. A slice holds addresses of one family for good.
func ValidateUpdate(obj, old *v1.EndpointSlice) field.ErrorList {
	errs := validate(obj, old)
	errs = append(errs, apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))...)
	return append(errs, apivalidation.ValidateImmutableField(obj.AddressType, old.AddressType, field.NewPath("addressType"))...)
}

func validate(obj, old *v1.EndpointSlice) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	types := []v1.AddressType{v1.AddressTypeIPv4, v1.AddressTypeIPv6, v1.AddressTypeFQDN}
	if obj.AddressType == "" {
		errs = append(errs, field.Required(field.NewPath("addressType"), ""))
	} else if !slices.Contains(types, obj.AddressType) {
		slices.Sort(types)
		errs = append(errs, field.NotSupported(field.NewPath("addressType"), obj.AddressType, types))
	}
	errs = append(errs, validateEndpoints(obj, old)...)
	return append(errs, validatePorts(obj.Ports, field.NewPath("ports"))...)
}

func validateEndpoints(obj, old *v1.EndpointSlice) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("endpoints")
	if n := len(obj.Endpoints); n > mostEndpoints {
		return field.ErrorList{field.TooMany(path, n, mostEndpoints)}
	}
	var known []string
	if old != nil {
		for _, e := range old.Endpoints {
			known = append(known, e.Addresses...)
		}
	}
	for i := range obj.Endpoints {
		errs = append(errs, validateEndpoint(&obj.Endpoints[i], obj.AddressType, known, path.Index(i))...)
	}
	return errs
}

func validateEndpoint(e *v1.Endpoint, family v1.AddressType, known []string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	at := path.Child("addresses")
	if n := len(e.Addresses); n == 0 {
		errs = append(errs, field.Required(at, "must contain at least 1 address"))
	} else if n > mostAddresses {
		errs = append(errs, field.TooMany(at, n, mostAddresses))
	}
	for i, a := range e.Addresses {
		errs = append(errs, validateAddress(a, family, known, at.Index(i))...)
	}
	if e.NodeName != nil {
		errs = append(errs, check.Messages(path.Child("nodeName"), *e.NodeName, apivalidation.NameIsDNSSubdomain(*e.NodeName, false))...)
	}
	topology := path.Child("deprecatedTopology")
	if n := len(e.DeprecatedTopology); n > mostTopologyLabels {
		errs = append(errs, field.TooMany(topology, n, mostTopologyLabels))
	}
	errs = append(errs, metavalidation.ValidateLabels(e.DeprecatedTopology, topology)...)
	if _, node := e.DeprecatedTopology[corev1.LabelHostname]; node {
		errs = append(errs, field.Forbidden(topology.Key(corev1.LabelHostname), "may not be set, use nodeName instead"))
	}
	if e.Hostname != nil {
		errs = append(errs, check.DNSLabel(path.Child("hostname"), *e.Hostname)...)
	}
	if e.Hints != nil {
		errs = append(errs, validateHints(e.Hints, path.Child("hints"))...)
	}
	return errs
}

func validateAddress(a string, family v1.AddressType, known []string, path *field.Path) field.ErrorList {
	switch family {
	case v1.AddressTypeIPv4, v1.AddressTypeIPv6:
		errs := validation.IsValidIPForLegacyField(path, a, true, known)
		if len(errs) > 0 {
			return errs
		}
		if v6 := netutils.IsIPv6String(a); v6 != (family == v1.AddressTypeIPv6) {
			return field.ErrorList{field.Invalid(path, a, fmt.Sprintf("must be an %s address", family))}
		}
		return check.RoutableIP(path, a)
	case v1.AddressTypeFQDN:
		return validation.IsFullyQualifiedDomainName(path, a)
	}
	return nil
}

func validateHints(h *v1.EndpointHints, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	zones := path.Child("forZones")
	if n := len(h.ForZones); n > mostZoneHints {
		return field.ErrorList{field.TooMany(zones, n, mostZoneHints)}
	}
	seen := sets.New[string]()
	for i, z := range h.ForZones {
		if seen.Has(z.Name) {
			errs = append(errs, field.Duplicate(zones.Index(i).Child("name"), z.Name))
		} else {
			seen.Insert(z.Name)
		}
		errs = append(errs, check.Messages(zones.Index(i).Child("name"), z.Name, validation.IsValidLabelValue(z.Name))...)
	}
	nodes := path.Child("forNodes")
	if n := len(h.ForNodes); n > mostNodeHints {
		return append(errs, field.TooMany(nodes, n, mostNodeHints))
	}
	seen = sets.New[string]()
	for i, n := range h.ForNodes {
		if seen.Has(n.Name) {
			errs = append(errs, field.Duplicate(nodes.Index(i).Child("name"), n.Name))
		} else {
			seen.Insert(n.Name)
		}
		errs = append(errs, check.Messages(nodes.Index(i).Child("name"), n.Name, apivalidation.NameIsDNSSubdomain(n.Name, false))...)
	}
	return errs
}

func validatePorts(ports []v1.EndpointPort, path *field.Path) field.ErrorList {
	if n := len(ports); n > mostPorts {
		return field.ErrorList{field.TooMany(path, n, mostPorts)}
	}
	var errs field.ErrorList
	names := sets.New[string]()
	for i, p := range ports {
		at := path.Index(i)
		name := ""
		if p.Name != nil {
			name = *p.Name
		}
		if name != "" {
			errs = append(errs, check.DNSLabel(at.Child("name"), name)...)
		}
		if names.Has(name) {
			errs = append(errs, field.Duplicate(at.Child("name"), p.Name))
		} else {
			names.Insert(name)
		}
		if p.Protocol == nil {
			errs = append(errs, field.Required(at.Child("protocol"), ""))
		} else {
			errs = append(errs, check.OneOf(at.Child("protocol"), *p.Protocol, corev1.ProtocolSCTP, corev1.ProtocolTCP, corev1.ProtocolUDP)...)
		}
		if p.AppProtocol != nil {
			errs = append(errs, check.QualifiedName(at.Child("appProtocol"), *p.AppProtocol)...)
		}
	}
	return errs
}

// Warnings tells of addresses that programs read differently.
func Warnings(obj *v1.EndpointSlice) []string {
	var warnings []string
	if obj.AddressType == v1.AddressTypeFQDN {
		warnings = append(warnings, fmt.Sprintf("%s: FQDN endpoints are deprecated", field.NewPath("addressType")))
	}
	for i, e := range obj.Endpoints {
		for j, a := range e.Addresses {
			if netutils.ParseIPSloppy(a) != nil {
				warnings = append(warnings, validation.GetWarningsForIP(field.NewPath("endpoints").Index(i).Child("addresses").Index(j), a)...)
			}
		}
	}
	return warnings
}

// UpdateWarnings are those of the new object.
func UpdateWarnings(obj, _ *v1.EndpointSlice) []string { return Warnings(obj) }
