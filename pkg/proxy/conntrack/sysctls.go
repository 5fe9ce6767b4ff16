package conntrack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	proxyconfig "k8s.io/kube-proxy/config/v1alpha1"
)

// Root is where the kernel's settings are.
const Root = "/proc/sys/net/netfilter"

// Sysctls applies the configuration to the settings under root. What cannot be
// set (in a network namespace the table's size is read-only) is returned as one error
// that names each; the others are set nevertheless.
func Sysctls(root string, cfg *proxyconfig.KubeProxyConntrackConfiguration) error {
	var errs []error
	put := func(name string, value int) {
		if err := write(filepath.Join(root, name), value); err != nil {
			errs = append(errs, err)
		}
	}
	if want := maxEntries(cfg, runtime.NumCPU()); want > 0 {
		// An administrator's larger table stays.
		if have, err := read(filepath.Join(root, "nf_conntrack_max")); err != nil || have < want {
			put("nf_conntrack_max", want)
		}
	}
	seconds := func(name string, d time.Duration) {
		if d > 0 {
			put(name, int(d/time.Second))
		}
	}
	if cfg.TCPEstablishedTimeout != nil {
		seconds("nf_conntrack_tcp_timeout_established", cfg.TCPEstablishedTimeout.Duration)
	}
	if cfg.TCPCloseWaitTimeout != nil {
		seconds("nf_conntrack_tcp_timeout_close_wait", cfg.TCPCloseWaitTimeout.Duration)
	}
	if cfg.TCPBeLiberal {
		put("nf_conntrack_tcp_be_liberal", 1)
	}
	seconds("nf_conntrack_udp_timeout", cfg.UDPTimeout.Duration)
	seconds("nf_conntrack_udp_timeout_stream", cfg.UDPStreamTimeout.Duration)
	return errors.Join(errs...)
}

// maxEntries returns the wanted size of the table, 0 for leaving it alone.
func maxEntries(cfg *proxyconfig.KubeProxyConntrackConfiguration, cpus int) int {
	if cfg.MaxPerCore == nil || *cfg.MaxPerCore <= 0 {
		return 0
	}
	want := int(*cfg.MaxPerCore) * cpus
	if cfg.Min != nil {
		want = max(want, int(*cfg.Min))
	}
	return want
}

func read(path string) (int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

func write(path string, value int) error {
	if have, err := read(path); err == nil && have == value {
		return nil
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(value)), 0o640); err != nil {
		return fmt.Errorf("setting %s to %d: %w", path, value, err)
	}
	return nil
}
