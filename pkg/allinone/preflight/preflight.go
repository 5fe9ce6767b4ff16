package preflight

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/moby/sys/mountinfo"
)

// Facts are what Problems judges.
type Facts struct {
	Root        bool
	FileSystems []string // the kernel knows
	// Controllers are the cgroup controllers that are mounted or enabled.
	Controllers []string
	// BridgeNetfilter: packets that stay on a bridge pass the packet filter.
	BridgeNetfilter bool
	// MissingPrograms are not in PATH.
	MissingPrograms []string
	// NoHosts: there is no /etc/hosts, which containerd copies into every pod.
	NoHosts bool
	// Nftables is the error of listing tables, empty if that works.
	Nftables string
}

// neededControllers are those a kubelet cannot do without.
var neededControllers = []string{"cpu", "cpuset", "memory", "pids"}

// neededPrograms and the Debian packages they come from.
var neededPrograms = map[string]string{"nft": "nftables", "conntrack": "conntrack"}

const hosts = "/etc/hosts"

// Look gathers the facts. Kernel modules are loaded first where that is possible.
func Look(ctx context.Context) (Facts, error) {
	f := Facts{Root: os.Geteuid() == 0}
	extendPath()
	loadModules(ctx)
	content, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return f, fmt.Errorf("looking at the kernel: %w", err)
	}
	for line := range bytes.Lines(content) {
		fields := strings.Fields(string(line))
		if len(fields) > 0 {
			f.FileSystems = append(f.FileSystems, fields[len(fields)-1])
		}
	}
	if f.Controllers, err = controllers(); err != nil {
		return f, err
	}
	_, err = os.Stat("/proc/sys/net/bridge/bridge-nf-call-iptables")
	f.BridgeNetfilter = err == nil
	for program := range neededPrograms {
		if _, err := exec.LookPath(program); err != nil {
			f.MissingPrograms = append(f.MissingPrograms, program)
		}
	}
	slices.Sort(f.MissingPrograms)
	_, err = os.Stat(hosts)
	f.NoHosts = os.IsNotExist(err)
	if out, err := exec.CommandContext(ctx, "nft", "list", "tables").CombinedOutput(); err != nil {
		f.Nftables = strings.TrimSpace(err.Error() + " " + string(out))
	}
	return f, nil
}

// extendPath adds the folders of system programs, which the PATH of services and of some people
// leaves out.
func extendPath() {
	path := os.Getenv("PATH")
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if !slices.Contains(strings.Split(path, ":"), dir) {
			path += ":" + dir
		}
	}
	os.Setenv("PATH", path)
}

// loadModules asks for modules that are not built in. Failure shows in the facts.
func loadModules(ctx context.Context) {
	if _, err := exec.LookPath("modprobe"); err != nil {
		return
	}
	for _, module := range []string{"overlay", "br_netfilter", "nf_tables", "nf_conntrack", "veth"} {
		_ = exec.CommandContext(ctx, "modprobe", "-q", module).Run()
	}
}

// controllers lists what the cgroup hierarchies offer, of both versions.
func controllers() ([]string, error) {
	mounts, err := mountinfo.GetMounts(func(m *mountinfo.Info) (skip, stop bool) {
		return m.FSType != "cgroup" && m.FSType != "cgroup2", false
	})
	if err != nil {
		return nil, fmt.Errorf("reading the mount table: %w", err)
	}
	var found []string
	for _, m := range mounts {
		if m.FSType == "cgroup" {
			found = append(found, strings.Split(m.VFSOptions, ",")...)
			continue
		}
		if content, err := os.ReadFile(m.Mountpoint + "/cgroup.controllers"); err == nil {
			found = append(found, strings.Fields(string(content))...)
		}
	}
	return found, nil
}

// Problems says what stands in the way, most basic first.
func Problems(f Facts) []error {
	if !f.Root {
		// Nothing else can be judged without root.
		return []error{errors.New("root is needed to run a node: use sudo")}
	}
	var problems []error
	for _, fs := range []string{"overlay", "proc", "tmpfs"} {
		if !slices.Contains(f.FileSystems, fs) {
			problems = append(problems, fmt.Errorf("the kernel has no %s file system: load its module (modprobe %s) or use a kernel with it", fs, fs))
		}
	}
	var missing []string
	for _, c := range neededControllers {
		if !slices.Contains(f.Controllers, c) {
			missing = append(missing, c)
		}
	}
	if len(missing) > 0 {
		problems = append(problems, fmt.Errorf("cgroup controllers are missing: %s; mount cgroup2 on /sys/fs/cgroup, and take cgroup_disable= out of the kernel command line", strings.Join(missing, ", ")))
	}
	for _, program := range f.MissingPrograms {
		problems = append(problems, fmt.Errorf("the program %s is missing: apt-get install %s, or run hack/install-node-deps", program, neededPrograms[program]))
	}
	if f.Nftables != "" && !slices.Contains(f.MissingPrograms, "nft") {
		problems = append(problems, fmt.Errorf("nftables does not work here (%s): load its module (modprobe nf_tables) or use a kernel with it", f.Nftables))
	}
	if f.NoHosts {
		problems = append(problems, fmt.Errorf("there is no %s, which every pod gets a copy of: echo 127.0.0.1 localhost > %s", hosts, hosts))
	}
	if !f.BridgeNetfilter {
		problems = append(problems, errors.New("the kernel does not filter bridged packets, so services would not work between pods of one node: modprobe br_netfilter"))
	}
	return problems
}

// Port is an address a component will listen on.
type Port struct {
	// For says whose it is, Flag how to choose another (may be empty).
	For, Flag string
	Address   string
}

// CheckPorts tries to listen on each.
func CheckPorts(ports []Port) []error {
	var problems []error
	for _, p := range ports {
		l, err := net.Listen("tcp", p.Address)
		if err == nil {
			l.Close()
			continue
		}
		problem := fmt.Errorf("%s cannot listen on %s: %w", p.For, p.Address, err)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			problem = fmt.Errorf("port %s of %s is in use by another process: stop that", p.Address, p.For)
			if p.Flag != "" {
				problem = fmt.Errorf("%w, or choose another port with %s", problem, p.Flag)
			}
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			problem = fmt.Errorf("%s is not an address of this machine: give the right one with --node-ip", p.Address)
		}
		problems = append(problems, problem)
	}
	return problems
}
