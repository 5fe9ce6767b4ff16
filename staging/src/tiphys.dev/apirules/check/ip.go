package check

import (
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"
)

// RoutableIP wants an address that means the same machine wherever it is used: not unspecified, not loopback, not
// link-local. Services must not send traffic to those. What is no address is left to the format check.
func RoutableIP(path *field.Path, value string) field.ErrorList {
	ip := netutils.ParseIPSloppy(value)
	if ip == nil {
		return field.ErrorList{field.Invalid(path, value, "must be a valid IP address")}
	}
	var errs field.ErrorList
	wrong := func(is bool, message string) {
		if is {
			errs = append(errs, field.Invalid(path, value, message))
		}
	}
	wrong(ip.IsUnspecified(), "may not be unspecified (0.0.0.0 or ::)")
	wrong(ip.IsLoopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)")
	wrong(ip.IsLinkLocalUnicast(), "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
	wrong(ip.IsLinkLocalMulticast(), "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
	return errs
}
