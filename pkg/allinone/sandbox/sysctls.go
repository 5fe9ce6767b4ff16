package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// machineSysctls are settings of the whole machine that a kubelet changes; everything below net/
// belongs to a network namespace and goes with it.
var machineSysctls = []string{
	"vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops",
	"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
}

// nodeSysctls are set inside a node's network namespace.
var nodeSysctls = map[string]string{
	"net/ipv4/ip_forward":          "1",
	"net/ipv6/conf/all/forwarding": "1",
	// Answers between pods on one bridge must pass the proxy's rules on their way back.
	"net/bridge/bridge-nf-call-iptables":  "1",
	"net/bridge/bridge-nf-call-ip6tables": "1",
}

func readSysctls(names []string) (map[string]string, error) {
	values := map[string]string{}
	for _, name := range names {
		content, err := os.ReadFile("/proc/sys/" + name)
		if errors.Is(err, os.ErrNotExist) {
			continue // not in this kernel
		}
		if err != nil {
			return nil, fmt.Errorf("reading kernel setting %s: %w", name, err)
		}
		values[name] = strings.TrimSpace(string(content))
	}
	return values, nil
}

// writeSysctls sets what differs and tells of all that failed.
func writeSysctls(values map[string]string) error {
	var errs []error
	for name, want := range values {
		have, err := os.ReadFile("/proc/sys/" + name)
		if err == nil && strings.TrimSpace(string(have)) == want {
			continue
		}
		if err := os.WriteFile("/proc/sys/"+name, []byte(want), 0o644); err != nil {
			errs = append(errs, fmt.Errorf("kernel setting %s=%s: %w", name, want, err))
		}
	}
	return errors.Join(errs...)
}
