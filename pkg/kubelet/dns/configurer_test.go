package dns

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"
)

const host = "nameserver 10.0.0.1\nnameserver 10.0.0.2\n# search none\nsearch example.com. corp\noptions timeout:1\n"

func TestPodDNS(t *testing.T) {
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("s%d", i))
	}
	for name, tc := range map[string]struct {
		spec       v1.PodSpec
		clusterDNS []net.IP
		want       string
		event      string
	}{
		"cluster first": {spec: v1.PodSpec{DNSPolicy: v1.DNSClusterFirst}, clusterDNS: []net.IP{net.ParseIP("10.96.0.10")},
			want: "[10.96.0.10] [ns.svc.cluster.local svc.cluster.local cluster.local example.com corp] [ndots:5]"},
		"cluster first on the host's network": {spec: v1.PodSpec{DNSPolicy: v1.DNSClusterFirst, HostNetwork: true}, clusterDNS: []net.IP{net.ParseIP("10.96.0.10")},
			want: "[10.0.0.1 10.0.0.2] [example.com corp] [timeout:1]"},
		"cluster first with host net": {spec: v1.PodSpec{DNSPolicy: v1.DNSClusterFirstWithHostNet, HostNetwork: true}, clusterDNS: []net.IP{net.ParseIP("10.96.0.10")},
			want: "[10.96.0.10] [ns.svc.cluster.local svc.cluster.local cluster.local example.com corp] [ndots:5]"},
		"no cluster servers": {spec: v1.PodSpec{DNSPolicy: v1.DNSClusterFirst},
			want: "[10.0.0.1 10.0.0.2] [example.com corp] [timeout:1]", event: "MissingClusterDNS"},
		"none with own settings": {spec: v1.PodSpec{DNSPolicy: v1.DNSNone, DNSConfig: &v1.PodDNSConfig{Nameservers: []string{"1.1.1.1"}, Searches: []string{"a.b"},
			Options: []v1.PodDNSConfigOption{{Name: "ndots", Value: ptr.To("2")}, {Name: "edns0"}}}},
			want: "[1.1.1.1] [a.b] [ndots:2 edns0]"},
		"own settings win over the policy's": {spec: v1.PodSpec{DNSPolicy: v1.DNSClusterFirst, DNSConfig: &v1.PodDNSConfig{Searches: []string{"corp", "mine"},
			Options: []v1.PodDNSConfigOption{{Name: "ndots", Value: ptr.To("1")}}}}, clusterDNS: []net.IP{net.ParseIP("10.96.0.10")},
			want: "[10.96.0.10] [ns.svc.cluster.local svc.cluster.local cluster.local example.com corp mine] [ndots:1]"},
		"too many servers": {spec: v1.PodSpec{DNSPolicy: v1.DNSDefault, DNSConfig: &v1.PodDNSConfig{Nameservers: []string{"1.1.1.1", "2.2.2.2"}}},
			want: "[10.0.0.1 10.0.0.2 1.1.1.1] [example.com corp] [timeout:1]", event: "DNSConfigForming Nameserver limits were exceeded"},
		"too many searches": {spec: v1.PodSpec{DNSPolicy: v1.DNSNone, DNSConfig: &v1.PodDNSConfig{Nameservers: []string{"1.1.1.1"}, Searches: many}},
			want: "[1.1.1.1] [" + strings.Join(many[:32], " ") + "] []", event: "DNSConfigForming Search Line limits were exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(file, []byte(host), 0o644); err != nil {
				t.Fatal(err)
			}
			events := record.NewFakeRecorder(10)
			c, err := New(Config{ClusterDNS: tc.clusterDNS, ClusterDomain: "cluster.local", ResolvConf: file, Recorder: events})
			if err != nil {
				t.Fatal(err)
			}
			pod := &v1.Pod{Spec: tc.spec}
			pod.Namespace = "ns"
			got, err := c.PodDNS(pod)
			if err != nil {
				t.Fatal(err)
			}
			if s := fmt.Sprint(got.Servers, got.Searches, got.Options); s != tc.want {
				t.Errorf("got  %s\nwant %s", s, tc.want)
			}
			event := ""
			select {
			case event = <-events.Events:
			default:
			}
			if tc.event == "" && event != "" || !strings.Contains(event, tc.event) {
				t.Errorf("event %q, want %q", event, tc.event)
			}
		})
	}
}

func TestHostname(t *testing.T) {
	c, err := New(Config{ClusterDomain: "cluster.local", Recorder: record.NewFakeRecorder(1)})
	if err != nil {
		t.Fatal(err)
	}
	pod := &v1.Pod{Spec: v1.PodSpec{Subdomain: "sub", SetHostnameAsFQDN: ptr.To(true)}}
	pod.Name, pod.Namespace = strings.Repeat("n", 62)+"-x", "ns"
	hostname, domain, _ := c.PodHostname(pod)
	if hostname != strings.Repeat("n", 62) || domain != "sub.ns.svc.cluster.local" {
		t.Errorf("%s %s", hostname, domain)
	}
	if _, err := KernelHostname(pod, hostname, domain); err == nil {
		t.Error("an FQDN longer than the kernel's limit must fail")
	}
	if got, err := KernelHostname(pod, "a", domain); err != nil || got != "a.sub.ns.svc.cluster.local" {
		t.Errorf("%s %v", got, err)
	}
	file := string(HostsFile([]string{"10.1.0.5"}, "a", domain, []v1.HostAlias{{IP: "1.2.3.4", Hostnames: []string{"x", "y"}}}))
	if !strings.HasPrefix(file, "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n") ||
		!strings.Contains(file, "10.1.0.5\ta.sub.ns.svc.cluster.local\ta\n") || !strings.HasSuffix(file, "\n# Entries added by HostAliases.\n1.2.3.4\tx\ty\n") {
		t.Errorf("hosts file:\n%s", file)
	}
}
