package servicecidr

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestInUse(t *testing.T) {
	cidr := func(name string, cidrs ...string) *networkingv1.ServiceCIDR {
		return &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: cidrs}}
	}
	going := func(c *networkingv1.ServiceCIDR) *networkingv1.ServiceCIDR {
		c.DeletionTimestamp = &metav1.Time{}
		return c
	}
	for _, tc := range []struct {
		name      string
		others    []*networkingv1.ServiceCIDR
		addresses []string
		want      bool
	}{
		{"empty", nil, nil, false},
		{"an address", nil, []string{"10.0.0.5"}, true},
		{"an address of another range", nil, []string{"10.0.1.5"}, false},
		{"second family", nil, []string{"fd00::7"}, true},
		{"a wider range covers it", []*networkingv1.ServiceCIDR{cidr("wide", "10.0.0.0/16")}, []string{"10.0.0.5"}, false},
		{"the wider range goes too", []*networkingv1.ServiceCIDR{going(cidr("wide", "10.0.0.0/16"))}, []string{"10.0.0.5"}, true},
		{"a narrower range covers one of two", []*networkingv1.ServiceCIDR{cidr("half", "10.0.0.0/25")}, []string{"10.0.0.5", "10.0.0.200"}, true},
	} {
		var addresses []*networkingv1.IPAddress
		for _, a := range tc.addresses {
			addresses = append(addresses, &networkingv1.IPAddress{ObjectMeta: metav1.ObjectMeta{Name: a}})
		}
		c := going(cidr("c", "10.0.0.0/24", "fd00::/120"))
		if got := inUse(c, append(tc.others, c), addresses); got != tc.want {
			t.Errorf("%s: in use: %v, want %v", tc.name, got, tc.want)
		}
	}
}
