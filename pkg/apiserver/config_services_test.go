package apiserver

import (
	"errors"
	"net"
	"strings"
	"testing"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	netutils "k8s.io/utils/net"
)

func TestValidateServices(t *testing.T) {
	ranges := func(texts ...string) func(*Config) {
		return func(c *Config) {
			all, err := netutils.ParseCIDRs(texts)
			if err != nil {
				t.Fatal(err)
			}
			c.ServiceClusterIPRanges = nil
			for _, n := range all {
				c.ServiceClusterIPRanges = append(c.ServiceClusterIPRanges, *n)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"one range":            {ranges("10.0.0.0/8"), ""},
		"two families":         {ranges("10.0.0.0/16", "fd00::/64"), ""},
		"eight addresses":      {ranges("10.0.0.0/29"), ""},
		"too few addresses":    {ranges("10.0.0.0/30"), "primary service cidr: the service cluster IP range must be at least 8 IP addresses"},
		"too few of the other": {ranges("10.0.0.0/16", "fd00::/127"), "secondary service cidr: the service cluster IP range must be at least 8 IP addresses"},
		"three ranges":         {ranges("10.0.0.0/16", "fd00::/64", "10.1.0.0/16"), "must not contain more than two entries"},
		"one family twice":     {ranges("10.0.0.0/16", "10.1.0.0/16"), "must be of different IP family"},
		"other family":         {ranges("fd00::/108"), `service IP family "fd00::/108" must match public address family "192.0.2.1"`},
		"other family, hidden": {func(c *Config) { ranges("fd00::/108")(c); c.EndpointReconciler = "none" }, ""},
		"low node ports":       {func(c *Config) { c.ServiceNodePortRange = utilnet.PortRange{Base: 0, Size: 11} }, ""},
		"high node ports":      {func(c *Config) { c.ServiceNodePortRange = utilnet.PortRange{Base: 65000, Size: 600} }, "is not within 0-65535"},
		"own node port":        {func(c *Config) { c.KubernetesServiceNodePort = 30001 }, ""},
		"own port elsewhere":   {func(c *Config) { c.KubernetesServiceNodePort = 80 }, "kubernetes service node port range 30000-32767 doesn't contain 80"},
		"no port":              {func(c *Config) { c.KubernetesServiceNodePort = -1 }, "--kubernetes-service-node-port -1 must be between 0 and 65535"},
	} {
		t.Run(name, func(t *testing.T) {
			config := NewConfig()
			config.ServerRun.AdvertiseAddress = net.ParseIP("192.0.2.1")
			ranges("10.0.0.0/24")(config)
			c.change(config)
			err := errors.Join(config.validateServices()...)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestDropHalfPairs(t *testing.T) {
	for name, c := range map[string]struct{ cert, key, want string }{
		"both": {"a.crt", "a.key", "a.crt a.key"}, "neither": {"", "", " "}, "certificate": {"a.crt", "", " "}, "key": {"", "a.key", " "},
	} {
		t.Run(name, func(t *testing.T) {
			config := NewConfig()
			config.ProxyClientCertFile, config.ProxyClientKeyFile = c.cert, c.key
			config.dropHalfPairs()
			if got := config.ProxyClientCertFile + " " + config.ProxyClientKeyFile; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
