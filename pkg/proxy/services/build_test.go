package services

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

var here = Node{Name: "here", Zone: "a", Eligible: true}

func service(mod ...func(*v1.Service)) *v1.Service {
	s := &v1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "svc"},
		Spec: v1.ServiceSpec{
			Type: v1.ServiceTypeClusterIP, ClusterIP: "10.96.0.10", ClusterIPs: []string{"10.96.0.10"},
			Ports: []v1.ServicePort{{Name: "http", Port: 80, Protocol: v1.ProtocolTCP}},
		},
	}
	for _, m := range mod {
		m(s)
	}
	return s
}

type ep struct {
	addr                        string
	node                        string
	notReady, serving, draining bool
	zone, forNode               string
}

func slice(eps ...ep) *discovery.EndpointSlice {
	s := &discovery.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "ns", Name: "svc-1", Labels: map[string]string{discovery.LabelServiceName: "svc"}},
		AddressType: discovery.AddressTypeIPv4,
		Ports:       []discovery.EndpointPort{{Name: ptr.To("http"), Port: ptr.To[int32](8080), Protocol: ptr.To(v1.ProtocolTCP)}},
	}
	for _, e := range eps {
		if a := netip.MustParseAddr(e.addr); a.Is6() {
			s.AddressType = discovery.AddressTypeIPv6
		}
		d := discovery.Endpoint{Addresses: []string{e.addr}, Conditions: discovery.EndpointConditions{
			Ready: ptr.To(!e.notReady), Serving: ptr.To(!e.notReady || e.serving), Terminating: ptr.To(e.draining)}}
		if e.node != "" {
			d.NodeName = &e.node
		}
		if e.zone != "" || e.forNode != "" {
			d.Hints = &discovery.EndpointHints{}
			if e.zone != "" {
				d.Hints.ForZones = []discovery.ForZone{{Name: e.zone}}
			}
			if e.forNode != "" {
				d.Hints.ForNodes = []discovery.ForNode{{Name: e.forNode}}
			}
		}
		s.Endpoints = append(s.Endpoints, d)
	}
	return s
}

func external(s *v1.Service) {
	s.Spec.Type = v1.ServiceTypeNodePort
	s.Spec.Ports[0].NodePort = 30080
}

func internalLocal(s *v1.Service) {
	s.Spec.InternalTrafficPolicy = ptr.To(v1.ServiceInternalTrafficPolicyLocal)
}

func externalLocal(s *v1.Service) {
	external(s)
	s.Spec.ExternalTrafficPolicy = v1.ServiceExternalTrafficPolicyLocal
}

func TestEndpointsOfAPort(t *testing.T) {
	two := []ep{{addr: "10.0.0.1", node: "here"}, {addr: "10.0.0.2", node: "there"}}
	cases := map[string]struct {
		mod            func(*v1.Service)
		eps            []ep
		cluster, local string
		reachable      bool
	}{
		"all ready ones":                  {eps: two, cluster: "1 2", reachable: true},
		"none":                            {},
		"not ready is left out":           {eps: []ep{{addr: "10.0.0.1"}, {addr: "10.0.0.2", notReady: true, serving: true}}, cluster: "1", reachable: true},
		"draining is left out":            {eps: []ep{{addr: "10.0.0.1"}, {addr: "10.0.0.2", notReady: true, serving: true, draining: true}}, cluster: "1", reachable: true},
		"only draining":                   {eps: []ep{{addr: "10.0.0.1", notReady: true, serving: true, draining: true}, {addr: "10.0.0.2", notReady: true, draining: true}}, cluster: "1", reachable: true},
		"draining that serves no more":    {eps: []ep{{addr: "10.0.0.2", notReady: true, draining: true}}},
		"serving but not ready":           {eps: []ep{{addr: "10.0.0.2", notReady: true, serving: true}}},
		"internal local":                  {mod: internalLocal, eps: two, local: "1", reachable: true},
		"internal local, none here":       {mod: internalLocal, eps: two[1:], reachable: true},
		"external local":                  {mod: externalLocal, eps: two, cluster: "1 2", local: "1", reachable: true},
		"external local, draining here":   {mod: externalLocal, eps: []ep{{addr: "10.0.0.1", node: "here", notReady: true, serving: true, draining: true}, two[1]}, cluster: "2", local: "1", reachable: true},
		"local has no effect w/o outside": {mod: func(s *v1.Service) { s.Spec.ExternalTrafficPolicy = v1.ServiceExternalTrafficPolicyLocal }, eps: two, cluster: "1 2", reachable: true},
		"zone hints":                      {eps: []ep{{addr: "10.0.0.1", zone: "a"}, {addr: "10.0.0.2", zone: "b"}}, cluster: "1", reachable: true},
		"incomplete zone hints":           {eps: []ep{{addr: "10.0.0.1", zone: "a"}, {addr: "10.0.0.2"}}, cluster: "1 2", reachable: true},
		"no hint for this zone":           {eps: []ep{{addr: "10.0.0.1", zone: "c"}, {addr: "10.0.0.2", zone: "b"}}, cluster: "1 2", reachable: true},
		"node hints come first":           {eps: []ep{{addr: "10.0.0.1", zone: "a", forNode: "there"}, {addr: "10.0.0.2", zone: "a", forNode: "here"}}, cluster: "2", reachable: true},
		"no node hint for here":           {eps: []ep{{addr: "10.0.0.1", zone: "a", forNode: "there"}, {addr: "10.0.0.2", zone: "b", forNode: "there"}}, cluster: "1", reachable: true},
		"hints do not matter for local":   {mod: internalLocal, eps: []ep{{addr: "10.0.0.1", node: "here", zone: "b"}, {addr: "10.0.0.2", zone: "a"}}, local: "1", reachable: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			mod := c.mod
			if mod == nil {
				mod = func(*v1.Service) {}
			}
			svc := Build(service(mod), []*discovery.EndpointSlice{slice(c.eps...)}, here, nil)
			p := svc.Ports[0]
			if got := last(p.Cluster); got != c.cluster {
				t.Errorf("cluster endpoints %q, want %q", got, c.cluster)
			}
			if got := last(p.Local); got != c.local {
				t.Errorf("local endpoints %q, want %q", got, c.local)
			}
			if p.Reachable != c.reachable {
				t.Errorf("reachable %v", p.Reachable)
			}
		})
	}
}

// last prints the last bytes of addresses.
func last(list []netip.AddrPort) string {
	s := ""
	for _, a := range list {
		if s != "" {
			s += " "
		}
		b := a.Addr().As16()
		s += fmt.Sprint(b[15])
	}
	return s
}

func TestWhichServicesAreProxied(t *testing.T) {
	cases := map[string]struct {
		mod  func(*v1.Service)
		want bool
	}{
		"cluster IP":    {func(*v1.Service) {}, true},
		"headless":      {func(s *v1.Service) { s.Spec.ClusterIP, s.Spec.ClusterIPs = "None", []string{"None"} }, false},
		"external name": {func(s *v1.Service) { s.Spec.Type = v1.ServiceTypeExternalName }, false},
		"other proxy":   {func(s *v1.Service) { s.Labels = map[string]string{LabelServiceProxyName: "x"} }, false},
		"no IP yet":     {func(s *v1.Service) { s.Spec.ClusterIP, s.Spec.ClusterIPs = "", nil }, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Build(service(c.mod), nil, here, nil) != nil; got != c.want {
				t.Errorf("proxied %v, want %v", got, c.want)
			}
		})
	}
}

func TestFrontends(t *testing.T) {
	svc := Build(service(func(s *v1.Service) {
		s.Spec.Type = v1.ServiceTypeLoadBalancer
		s.Spec.ClusterIPs = []string{"10.96.0.10", "fd00::10"}
		s.Spec.ExternalIPs = []string{"192.0.2.2", "192.0.2.1", "2001:db8::1"}
		s.Spec.LoadBalancerSourceRanges = []string{"10.1.2.3/8", " 2001:db8::/32"}
		s.Spec.ExternalTrafficPolicy = v1.ServiceExternalTrafficPolicyLocal
		s.Spec.HealthCheckNodePort = 32000
		s.Spec.SessionAffinity = v1.ServiceAffinityClientIP
		s.Spec.SessionAffinityConfig = &v1.SessionAffinityConfig{ClientIP: &v1.ClientIPConfig{TimeoutSeconds: ptr.To[int32](7)}}
		s.Status.LoadBalancer.Ingress = []v1.LoadBalancerIngress{
			{IP: "198.51.100.1"},
			{IP: "198.51.100.2", IPMode: ptr.To(v1.LoadBalancerIPModeProxy)},
			{IP: "198.51.100.3", IPMode: ptr.To(v1.LoadBalancerIPModeVIP)},
			{Hostname: "lb.example"},
		}
	}), []*discovery.EndpointSlice{slice(ep{addr: "10.0.0.1", node: "here"}), slice(ep{addr: "fd01::1", node: "here"})}, here, nil)
	if len(svc.Ports) != 2 {
		t.Fatalf("%d ports, want one in each family", len(svc.Ports))
	}
	v4, v6 := svc.Ports[0], svc.Ports[1]
	check := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	check("external IPs", v4.ExternalIPs, "[192.0.2.1 192.0.2.2]")
	check("load balancer IPs", v4.LoadBalancerIPs, "[198.51.100.1 198.51.100.3]")
	check("source ranges", v4.SourceRanges, "[10.0.0.0/8]")
	check("affinity", v4.AffinityTimeout, 7*time.Second)
	check("v6 cluster IP", v6.ClusterIP, "fd00::10")
	check("v6 external IPs", v6.ExternalIPs, "[2001:db8::1]")
	check("v6 load balancer IPs", v6.LoadBalancerIPs, "[]")
	check("v6 endpoints", v6.Cluster, "[[fd01::1]:8080]")
	check("health check port", svc.HealthCheckNodePort, 32000)
	check("local ready endpoints", svc.LocalReadyEndpoints, 1)
}

func TestReorderKeepsPlaces(t *testing.T) {
	list := func(s string) (out []netip.AddrPort) {
		for _, c := range s {
			out = append(out, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(c)}), 80))
		}
		return out
	}
	for _, c := range []struct{ prev, next, want string }{
		{"", "abc", "abc"},
		{"abc", "abc", "abc"},
		{"abc", "abcd", "abcd"},
		{"abc", "abc", "abc"},
		{"abcd", "acd", "adc"},
		{"abc", "axc", "axc"},
		{"bca", "abcd", "bcad"},
		{"abc", "", ""},
		{"abcdef", "fx", "fx"},
	} {
		if got := reorder(list(c.prev), list(c.next)); !slices.Equal(got, list(c.want)) {
			t.Errorf("%s -> %s: got %v, want %s", c.prev, c.next, got, c.want)
		}
	}
}

func TestTrackerTakesOnlyChanges(t *testing.T) {
	now := time.Now()
	tr := NewTracker(here, now)
	other := service(func(s *v1.Service) {
		s.Name = "other"
		s.Spec.ClusterIP = "10.96.0.11"
		s.Spec.ClusterIPs = []string{"10.96.0.11"}
	})
	tr.SetService(service())
	tr.SetService(other)
	first := tr.Take()
	if len(first.Changed) != 2 || len(first.Services) != 2 {
		t.Fatalf("changed %v", first.Changed)
	}

	s := slice(ep{addr: "10.0.0.1"})
	s.Annotations = map[string]string{v1.EndpointsLastChangeTriggerTime: now.Add(time.Second).Format(time.RFC3339Nano)}
	tr.SetSlice(s)
	name := types.NamespacedName{Namespace: "ns", Name: "svc"}
	second := tr.Take()
	if !slices.Equal(second.Changed, []types.NamespacedName{name}) {
		t.Fatalf("changed %v", second.Changed)
	}
	if len(second.Services[name].Triggered) != 1 {
		t.Errorf("trigger time is lost")
	}
	otherName := types.NamespacedName{Namespace: "ns", Name: "other"}
	if second.Services[otherName] != first.Services[otherName] {
		t.Errorf("a service that did not change was built again")
	}
	if len(first.Services[name].Ports[0].Cluster) != 0 {
		t.Errorf("an old snapshot changed")
	}

	annotated := s.DeepCopy()
	annotated.Annotations["x"] = "y"
	tr.SetSlice(annotated)
	if c := tr.Take(); len(c.Changed) != 0 {
		t.Errorf("an annotation made %v dirty", c.Changed)
	}
	tr.DeleteSlice(annotated)
	tr.DeleteService(otherName)
	if c := tr.Take(); len(c.Changed) != 2 || len(c.Services) != 1 || c.Services[name].Ports[0].Reachable {
		t.Errorf("after deletions: %+v", c.Changed)
	}
	if c := tr.Take(); len(c.Changed) != 0 {
		t.Errorf("a second Take found %v", c.Changed)
	}
	moved := here
	moved.Zone = "b"
	if !tr.SetNode(moved) || len(tr.Take().Changed) != 1 {
		t.Errorf("a change of zone must decide all services again")
	}
}
