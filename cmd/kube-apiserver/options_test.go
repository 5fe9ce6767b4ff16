package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/dump"
)

// flagFact is a flag as upstream's --help shows it.
type flagFact struct{ Name, Type, Default string }

// samples are values that differ from the default, for flags whose type alone does not say what they take.
var samples = map[string]string{
	"coordinated-leadership-renew-deadline": "12s", "coordinated-leadership-retry-period": "3s",
	"advertise-address": "192.0.2.9", "bind-address": "192.0.2.9", "service-cluster-ip-range": "10.9.0.0/16", "service-node-port-range": "31000-31999", "oidc-required-claim": "a=b", "runtime-config": "api/beta=true",
	"tls-sni-cert-key": "a.crt,a.key", "vmodule": "a=5", "egress-selector-config-file": "egress.yaml", "kubelet-preferred-address-types": "InternalIP", "admission-control": "AlwaysAdmit", "enable-admission-plugins": "AlwaysPullImages", "disable-admission-plugins": "ServiceAccount",
	"audit-log-mode": "batch", "audit-webhook-mode": "blocking", "audit-log-format": "legacy", "authorization-mode": "AlwaysDeny", "logging-format": "json", "storage-media-type": "application/json", "endpoint-reconciler-type": "none", "storage-backend": "etcd3", "tls-min-version": "VersionTLS13", "tls-curve-preferences": "29",
	"watch-cache-sizes": "pods#100", "log-json-info-buffer-size": "1Ki", "log-text-info-buffer-size": "1Ki", "goaway-chance": "0.01", "v": "5", "allow-metric-labels": "a,b=c", "disabled-metrics": "a", "etcd-servers-overrides": "/events#http://127.0.0.1:1", "strict-transport-security-directives": "max-age=5",
}

// elsewhere are flags that act, but not through the server's Config: the reason says where, which somebody has looked up.
var elsewhere = map[string]string{
	"feature-gates":                   "ComponentGlobalsRegistry.Set in run; every gate that is asked",
	"emulated-version":                "ComponentGlobalsRegistry.Set in run; the effective version that New reads",
	"min-compatibility-version":       "ComponentGlobalsRegistry.Set in run; the effective version that New reads",
	"v":                               "logsapi.ValidateAndApply in run",
	"vmodule":                         "logsapi.ValidateAndApply in run",
	"logging-format":                  "logsapi.ValidateAndApply in run",
	"log-flush-frequency":             "logsapi.ValidateAndApply in run",
	"log-json-split-stream":           "logsapi.ValidateAndApply in run, with the gate LoggingAlphaOptions",
	"log-json-info-buffer-size":       "logsapi.ValidateAndApply in run, with the gate LoggingAlphaOptions",
	"log-text-split-stream":           "logsapi.ValidateAndApply in run, with the gate LoggingAlphaOptions",
	"log-text-info-buffer-size":       "logsapi.ValidateAndApply in run, with the gate LoggingAlphaOptions",
	"allow-metric-labels":             "metrics.Options.Apply in run",
	"allow-metric-labels-manifest":    "metrics.Options.Apply in run",
	"disabled-metrics":                "metrics.Options.Apply in run",
	"show-hidden-metrics-for-version": "metrics.Options.Apply in run",
	"help":                            "cobra",
	"version":                         "verflag.PrintAndExitIfRequested",
}

// only are flags with one value that is valid.
var only = map[string]string{"storage-backend": "etcd3 is the only store, as in upstream"}

// sample makes a value that is not the default.
func sample(f flagFact, set *pflag.Flag) string {
	if v := samples[f.Name]; v != "" {
		return v
	}
	switch set.Value.Type() {
	case "bool":
		if set.DefValue == "true" {
			return "false"
		}
		return "true"
	case "duration":
		return "17s"
	case "int", "int32", "int64", "uint", "uint32", "float32", "float64":
		return "17"
	}
	return "sample"
}

// TestEveryFlagActs gives each of upstream's flags another value than its default and looks whether the server's Config changes.
// One that changes nothing must be known to act elsewhere, or the log must say at the start why it has no effect.
func TestEveryFlagActs(t *testing.T) {
	_, here, _, _ := runtime.Caller(0)
	data, err := os.ReadFile(filepath.Join(filepath.Dir(here), "..", "..", "test", "compat", "testdata", "flags.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]flagFact
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	facts := all["kube-apiserver"]
	if len(facts) < 150 {
		t.Fatalf("%d flags of upstream are known", len(facts))
	}
	before := configured(t, nil)
	acting := 0
	for _, f := range facts {
		t.Run(f.Name, func(t *testing.T) {
			if elsewhere[f.Name] != "" || only[f.Name] != "" {
				return
			}
			changed := configured(t, &f) != before
			reason, explained := unusedReasons[f.Name]
			switch {
			case changed && explained:
				t.Errorf("it acts, and the log says that it does not: %s", reason)
			case !changed && !explained:
				t.Error("it changes nothing, and nobody says why")
			case changed:
				acting++
			}
		})
	}
	t.Logf("%d of upstream's %d flags reach the Config, %d act on the process", acting, len(facts), len(elsewhere))
}

// configured prints the Config that a flag makes.
func configured(t *testing.T, f *flagFact) string {
	t.Helper()
	o := newOptions()
	fs := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range o.flags().FlagSets {
		fs.AddFlagSet(set)
	}
	fs.SetOutput(nowhere{})
	if f != nil {
		known := fs.Lookup(f.Name)
		if known == nil {
			t.Fatal("it is not known")
		}
		if err := fs.Set(f.Name, sample(*f, known)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := o.complete()
	if err != nil {
		t.Fatal(err)
	}
	// It shows the flags themselves.
	c.Flags = nil
	// The registry of versions and gates is the process's.
	c.ServerRun.ComponentGlobalsRegistry = nil
	return dump.ForHash(c)
}

// nowhere takes warnings about deprecated flags.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
