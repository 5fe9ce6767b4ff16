package servicecidr

import (
	"net/netip"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func prefixes(c *networkingv1.ServiceCIDR) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range c.Spec.CIDRs {
		if p, err := netip.ParsePrefix(text); err == nil { // the API server has checked it
			out = append(out, p.Masked())
		}
	}
	return out
}

func overlaps(a, b *networkingv1.ServiceCIDR) bool {
	for _, p := range prefixes(a) {
		for _, q := range prefixes(b) {
			if p.Overlaps(q) {
				return true
			}
		}
	}
	return false
}

func contains(c *networkingv1.ServiceCIDR, a netip.Addr) bool {
	for _, p := range prefixes(c) {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// inUse tells whether an address belongs to the range and to no other that stays.
func inUse(c *networkingv1.ServiceCIDR, all []*networkingv1.ServiceCIDR, addresses []*networkingv1.IPAddress) bool {
	var others []*networkingv1.ServiceCIDR
	for _, o := range all {
		if o.Name != c.Name && o.DeletionTimestamp == nil && overlaps(o, c) {
			others = append(others, o)
		}
	}
next:
	for _, a := range addresses {
		addr, err := netip.ParseAddr(a.Name)
		if err != nil || !contains(c, addr) {
			continue
		}
		for _, o := range others {
			if contains(o, addr) {
				continue next
			}
		}
		return true
	}
	return false
}

// condition is the Ready condition the range should have.
func condition(c *networkingv1.ServiceCIDR) metav1.Condition {
	if c.DeletionTimestamp != nil {
		return metav1.Condition{Type: networkingv1.ServiceCIDRConditionReady, Status: metav1.ConditionFalse, Reason: networkingv1.ServiceCIDRReasonTerminating,
			Message: "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"}
	}
	return metav1.Condition{Type: networkingv1.ServiceCIDRConditionReady, Status: metav1.ConditionTrue, Reason: "Ready", Message: "Kubernetes Service CIDR is ready"}
}

func has(c *networkingv1.ServiceCIDR, want metav1.Condition) bool {
	have := meta.FindStatusCondition(c.Status.Conditions, want.Type)
	return have != nil && have.Status == want.Status && have.Reason == want.Reason
}
