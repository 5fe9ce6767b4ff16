package oracle

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tiphys.dev/tiphys/test/peer"
)

// refusal is a value that a server must not start with.
type refusal struct {
	flag, value string
	// more are further flags.
	more string
	// meaning is in both reasons where they are in other words, or where upstream's has none.
	meaning string
}

// agree tells whether two refusals are alike: the exit code, and the reason, before which ours may say what it was doing.
func (r refusal) agree(theirs, ours string) bool {
	code, reason, _ := strings.Cut(theirs, ": ")
	ourCode, ourReason, _ := strings.Cut(ours, ": ")
	if r.meaning != "" {
		return regexp.MustCompile(r.meaning).MatchString(theirs) && regexp.MustCompile(r.meaning).MatchString(ours)
	}
	return code == ourCode && strings.HasSuffix(ourReason, reason)
}

// refusals are wrong values. A name with a dot and no slash is a file of testdata/flags.
var refusals = []refusal{
	{flag: "etcd-servers", value: ""},
	{flag: "etcd-servers-overrides", value: "bad"}, {flag: "etcd-servers-overrides", value: "/pods#"}, {flag: "etcd-servers-overrides", value: "pods#http://127.0.0.1:1"},
	{flag: "etcd-cafile", value: "/none"}, {flag: "etcd-certfile", value: "/none"}, {flag: "etcd-keyfile", value: "/none"},
	{flag: "etcd-certfile", value: "{{pki}}/apiserver.crt"}, {flag: "etcd-keyfile", value: "{{pki}}/apiserver.key"},
	{flag: "etcd-compaction-interval", value: "soon"}, {flag: "etcd-count-metric-poll-period", value: "x"}, {flag: "etcd-db-metric-poll-interval", value: "x"},
	{flag: "etcd-healthcheck-timeout", value: "x"}, {flag: "etcd-readycheck-timeout", value: "5"},
	{flag: "storage-backend", value: "etcd2"}, {flag: "storage-media-type", value: "text/plain"}, {flag: "storage-media-type", value: "application/cbor"},
	{flag: "storage-initialization-timeout", value: "-1s"}, {flag: "storage-initialization-timeout", value: "x"},
	{flag: "watch-cache", value: "x"}, {flag: "watch-cache-sizes", value: "pods"}, {flag: "watch-cache-sizes", value: "pods#x"}, {flag: "watch-cache-sizes", value: "pods#-1"},
	{flag: "default-watch-cache-size", value: "x"},
	{flag: "delete-collection-workers", value: "x"}, {flag: "lease-reuse-duration-seconds", value: "x"},
	{flag: "enable-garbage-collector", value: "x"},

	{flag: "egress-selector-config-file", value: "/none", meaning: `^1: .*/none.*(no such file|does not exist)`}, {flag: "egress-selector-config-file", value: "egress-empty.yaml"},
	{flag: "egress-selector-config-file", value: "egress-unknown-name.yaml"}, {flag: "egress-selector-config-file", value: "egress-twice.yaml"},
	{flag: "egress-selector-config-file", value: "egress-master.yaml"}, {flag: "egress-selector-config-file", value: "egress-direct-transport.yaml"},
	{flag: "egress-selector-config-file", value: "egress-no-transport.yaml"}, {flag: "egress-selector-config-file", value: "egress-both.yaml"},
	{flag: "egress-selector-config-file", value: "egress-plain-with-tls.yaml"}, {flag: "egress-selector-config-file", value: "egress-no-tls.yaml"},
	{flag: "egress-selector-config-file", value: "egress-grpc-tcp.yaml"}, {flag: "egress-selector-config-file", value: "egress-protocol.yaml"},
	{flag: "egress-selector-config-file", value: "egress-field.yaml"}, {flag: "egress-selector-config-file", value: "egress-no-key.yaml"},
	{flag: "egress-selector-config-file", value: "egress-old.yaml"},

	{flag: "tracing-config-file", value: "/none", meaning: `^1: .*/none.*(no such file|does not exist)`}, {flag: "tracing-config-file", value: "tracing-rate.yaml"}, {flag: "tracing-config-file", value: "tracing-endpoint.yaml"},
	{flag: "tracing-config-file", value: "tracing-field.yaml"}, {flag: "tracing-config-file", value: "tracing-kind.yaml"},
	{flag: "tracing-config-file", value: "tracing-endpoint.yaml", more: "--feature-gates=APIServerTracing=false"},

	{flag: "shutdown-delay-duration", value: "-1s"}, {flag: "shutdown-delay-duration", value: "x"}, {flag: "shutdown-watch-termination-grace-period", value: "-1s"},
	{flag: "shutdown-send-retry-after", value: "x"},

	{flag: "feature-gates", value: "Unknown=true"}, {flag: "feature-gates", value: "StorageVersionHash=perhaps"}, {flag: "feature-gates", value: "StorageVersionHash"},
	{flag: "feature-gates", value: "odd:StorageVersionHash=false"}, {flag: "feature-gates", value: "APIServerTracing=false"},
	{flag: "feature-gates", value: "kube:Unknown=true"}, {flag: "feature-gates", value: "GangScheduling=true"}, {flag: "feature-gates", value: "AtomicFIFO=false,NodeDeclaredFeatures=false"},
	{flag: "emulated-version", value: "1.37"}, {flag: "emulated-version", value: "1.20"}, {flag: "emulated-version", value: "kube=1.35.1"}, {flag: "emulated-version", value: "x"},
	{flag: "emulated-version", value: "odd=1.35"}, {flag: "emulated-version", value: "1.32"}, {flag: "emulated-version", value: "kube=1.35,kube=1.36"},
	{flag: "min-compatibility-version", value: "1.37"}, {flag: "min-compatibility-version", value: "1.10"}, {flag: "min-compatibility-version", value: "1.36", more: "--emulated-version=1.35"},
	{flag: "min-compatibility-version", value: "1.36"}, {flag: "min-compatibility-version", value: "x"},
	{flag: "emulation-forward-compatible", value: "x"}, {flag: "emulation-forward-compatible", value: "true"}, {flag: "runtime-config-emulation-forward-compatible", value: "true"},
	{flag: "runtime-config", value: "api/odd=true"}, {flag: "runtime-config", value: "odd.example.org/v1=true"}, {flag: "runtime-config", value: "batch/v9=true"},
	{flag: "runtime-config", value: "batch/v1=perhaps"},

	// Upstream's ends with 255 and a word in the log.
	{flag: "endpoint-reconciler-type", value: "odd", meaning: `^(255|1): (no reason|--endpoint-reconciler-type "odd" must be)`}, {flag: "endpoint-reconciler-type", value: ""},
	{flag: "apiserver-count", value: "0"}, {flag: "apiserver-count", value: "x"}, {flag: "apiserver-count", value: "2", more: "--endpoint-reconciler-type=master-count"},
	{flag: "peer-ca-file", value: "/none"}, {flag: "peer-ca-file", value: "{{pki}}/ca.crt", more: "--feature-gates=UnknownVersionInteroperabilityProxy=false"},
	{flag: "peer-advertise-ip", value: "x", more: "--peer-ca-file={{pki}}/ca.crt"}, {flag: "peer-advertise-port", value: "x", more: "--peer-ca-file={{pki}}/ca.crt"},
	{flag: "peer-advertise-ip", value: "127.0.0.1", more: "--feature-gates=UnknownVersionInteroperabilityProxy=false"},
	{flag: "peer-advertise-port", value: "1", more: "--feature-gates=UnknownVersionInteroperabilityProxy=false"},
	{flag: "peer-ca-file", value: "{{pki}}/ca.crt", more: "--proxy-client-cert-file= --proxy-client-key-file=", meaning: `^1: .*proxy-(client-)?cert-file`},
	{flag: "peer-ca-file", value: "{{pki}}/ca.crt", more: "--requestheader-client-ca-file="},
	{flag: "coordinated-leadership-lease-duration", value: "0s", more: "--feature-gates=CoordinatedLeaderElection=true"}, {flag: "coordinated-leadership-lease-duration", value: "x"},
	{flag: "coordinated-leadership-renew-deadline", value: "1h", more: "--feature-gates=CoordinatedLeaderElection=true"}, {flag: "coordinated-leadership-retry-period", value: "1h", more: "--feature-gates=CoordinatedLeaderElection=true"},
	{flag: "coordinated-leadership-renew-deadline", value: "1h"}, {flag: "coordinated-leadership-retry-period", value: "-1s"},
	{flag: "aggregator-reject-forwarding-redirect", value: "x"}, {flag: "enable-aggregator-routing", value: "x"}, {flag: "allow-privileged", value: "x"},
	{flag: "proxy-client-cert-file", value: "/none"}, {flag: "proxy-client-key-file", value: "/none"}, {flag: "proxy-client-cert-file", value: ""}, {flag: "proxy-client-key-file", value: ""},
	{flag: "cert-dir", value: "/dev/null/certs", more: "--tls-cert-file= --tls-private-key-file=", meaning: `^1: .*self-signed.*mkdir /dev/null: not a directory`},
	{flag: "kubernetes-service-node-port", value: "99"}, {flag: "kubernetes-service-node-port", value: "x"}, {flag: "kubernetes-service-node-port", value: "70000"},
	{flag: "event-ttl", value: "x"}, {flag: "no-such-flag", value: "x"},
}

// starts are values that look wrong and are taken.
var starts = []refusal{
	{flag: "etcd-prefix", value: ""}, {flag: "etcd-compaction-interval", value: "-1s"}, {flag: "etcd-count-metric-poll-period", value: "-1s"},
	{flag: "etcd-healthcheck-timeout", value: "0"}, {flag: "delete-collection-workers", value: "0"}, {flag: "delete-collection-workers", value: "-1"},
	{flag: "lease-reuse-duration-seconds", value: "-1"}, {flag: "watch-cache-sizes", value: "odd#7"}, {flag: "event-ttl", value: "-1s"},
	{flag: "egress-selector-config-file", value: "egress-none.yaml"}, {flag: "tracing-config-file", value: "tracing-empty.yaml"},
}

// passing is what differs between two runs of one program, and the part of a version that tells whose build it is.
var passing = regexp.MustCompile(`127\.0\.0\.1:\d+|/tmp/\S+/(pki|flags)/|\+tiphys\.\d+`)

func TestStorageFlagRefusals(t *testing.T) {
	clusters := map[string]*peer.Cluster{}
	both := programs(t)
	for _, b := range both {
		clusters[b.name] = peer.Start(t, peer.Config{EtcdOnly: true, UnsafeNoFsync: true})
	}
	for _, r := range append(refusals, starts...) {
		name := "--" + r.flag + "=" + r.value + " " + r.more
		if pick := os.Getenv("ORACLE_FLAG"); pick != "" && !strings.Contains(name, pick) {
			continue
		}
		t.Run(strings.TrimSpace(name), func(t *testing.T) {
			said := map[string]string{}
			for _, b := range both {
				c := clusters[b.name]
				fill := strings.NewReplacer("{{pki}}", c.PKIDir())
				value := fill.Replace(r.value)
				if strings.HasSuffix(value, ".yaml") {
					value = filepath.Join("testdata", "flags", value)
				}
				p := begin(t, b, c, append(strings.Fields(fill.Replace(r.more)), "--"+r.flag+"="+value)...)
				done := make(chan struct{})
				go func() {
					defer close(done)
					_ = p.ready(t.Context())
				}()
				select {
				case <-p.Done():
				case <-done:
				}
				said[b.name] = passing.ReplaceAllStringFunc(p.refusal(time.Millisecond), func(found string) string {
					if strings.HasPrefix(found, "+") {
						return ""
					}
					return "…"
				})
				p.end(t)
				<-done
			}
			if !r.agree(said["theirs"], said["ours"]) {
				t.Errorf("\ntheirs %s\nours   %s", said["theirs"], said["ours"])
			} else {
				t.Log(said["ours"])
			}
		})
	}
}
