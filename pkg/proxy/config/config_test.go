package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDefaultsAreUpstreams compares with what upstream's kube-proxy writes.
func TestDefaultsAreUpstreams(t *testing.T) {
	c := New()
	c.ClientConnection.Kubeconfig = "KUBECONFIG"
	SetDefaults(c)
	SetDefaults(c)
	if errs := Validate(c); len(errs) > 0 {
		t.Errorf("defaults are not valid: %v", errs)
	}
	path := filepath.Join(t.TempDir(), "out.yaml")
	if err := Write(c, path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
	again, warning, err := Load(path)
	if err != nil || warning != nil {
		t.Fatal(err, warning)
	}
	SetDefaults(again)
	if diff := cmp.Diff(c, again); diff != "" {
		t.Errorf("reading what was written: %s", diff)
	}
}

func TestDefaultsByMode(t *testing.T) {
	for mode, want := range map[string]string{
		"mode: nftables": "30s 1s primary",
		"mode: ipvs":     "30s 1s",
		"":               "30s 1s",
		"nftables: {minSyncPeriod: 5s}\nmode: nftables\nnodePortAddresses: [10.0.0.0/8]": "30s 5s 10.0.0.0/8",
	} {
		c, _, err := Decode([]byte("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n" + mode))
		if err != nil {
			t.Fatal(err)
		}
		SetDefaults(c)
		period, minPeriod, _, _ := Sync(c)
		got := strings.Join(append([]string{period.String(), minPeriod.String()}, c.NodePortAddresses...), " ")
		if got != want {
			t.Errorf("%q: %s, want %s", mode, got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	c := New()
	c.BindAddress = "::"
	c.HealthzBindAddress = "192.0.2.1"
	SetDefaults(c)
	if c.HealthzBindAddress != "192.0.2.1:10256" || c.MetricsBindAddress != "[::1]:10249" {
		t.Errorf("%s %s", c.HealthzBindAddress, c.MetricsBindAddress)
	}
}

func TestUnknownFieldsWarn(t *testing.T) {
	c, warning, err := Decode([]byte("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nhostnameOverride: n1\nnoSuch: 1\n"))
	if err != nil || warning == nil || c.HostnameOverride != "n1" {
		t.Errorf("%v %v %+v", err, warning, c)
	}
	if _, _, err := Decode([]byte("kind: Pod\napiVersion: v1\n")); err == nil {
		t.Error("another kind was accepted")
	}
}

func TestValidateNamesEveryCause(t *testing.T) {
	cases := map[string]string{
		"mode: bogus":                      "mode",
		"bindAddress: foo":                 "bindAddress",
		"healthzBindAddress: bar":          "healthzBindAddress",
		"oomScoreAdj: 2000":                "oomScoreAdj",
		"detectLocalMode: X":               "detectLocalMode",
		"detectLocalMode: BridgeInterface": "bridgeInterface",
		"detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: averyveryverylong}": "interfaceNamePrefix",
		"nodePortAddresses: [primary, 10.0.0.0/8]":                                                    "nodePortAddresses[0]",
		"nodePortAddresses: [10.0.0.0]":                                                               "nodePortAddresses[0]",
		"iptables: {masqueradeBit: 32}":                                                               "masqueradeBit",
		"iptables: {minSyncPeriod: 90s}":                                                              "syncPeriod",
		"conntrack: {maxPerCore: -1}":                                                                 "maxPerCore",
		"clusterCIDR: 10.0.0.0/8,11.0.0.0/8":                                                          "clusterCIDR",
		"clusterCIDR: 10.0.0.0":                                                                       "clusterCIDR",
		"configSyncPeriod: -1s":                                                                       "configSyncPeriod",
		"mode: ipvs\nipvs: {excludeCIDRs: [x]}":                                                       "excludeCidrs[0]",
		"clusterCIDR: 10.0.0.0/8,fd00::/64":                                                           "",
		"mode: nftables\nnodePortAddresses: [10.0.0.0/8]":                                             "",
		"detectLocalMode: NodeCIDR":                                                                   "",
	}
	for doc, want := range cases {
		c, _, err := Decode([]byte("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n" + doc))
		if err != nil {
			t.Fatal(err)
		}
		SetDefaults(c)
		errs := Validate(c)
		switch {
		case want == "" && len(errs) > 0:
			t.Errorf("%q: %v", doc, errs)
		case want != "" && (len(errs) != 1 || !strings.HasSuffix(errs[0].Field, want)):
			t.Errorf("%q: %v, want one error at %s", doc, errs, want)
		}
	}
	c := New()
	SetDefaults(c)
	c.IPTables.SyncPeriod.Duration = -time.Second
	if errs := Validate(c); len(errs) != 2 {
		t.Errorf("negative period: %v", errs)
	}
}
