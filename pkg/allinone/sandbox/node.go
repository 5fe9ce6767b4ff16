package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// NodeSpec is handed to the process that furnishes a node's namespaces from within.
type NodeSpec struct {
	Hostname string `json:"hostname"`
	// Folders of the node that hide the host's, by path.
	Folders map[string]string `json:"folders"`
	// HidePrefix is the folder whose mounts (held namespaces) are not wanted inside: a copy of
	// them would keep other clusters' namespaces alive.
	HidePrefix string `json:"hidePrefix"`
}

// NodeInitCommand is the hidden subcommand that calls InitNode.
const NodeInitCommand = "dev-node-init"

// nodeSpec lists what of the machine a node has for itself.
func (m member) nodeSpec() NodeSpec {
	node := filepath.Join(m.dataDir(), "node")
	return NodeSpec{
		Hostname:   m.name(),
		HidePrefix: runDir,
		Folders: map[string]string{
			"/var/lib/kubelet":    filepath.Join(node, "kubelet"),
			"/var/log/pods":       filepath.Join(node, "log-pods"),
			"/var/log/containers": filepath.Join(node, "log-containers"),
			"/var/lib/cni":        filepath.Join(node, "cni"),
			"/etc/cni/net.d":      filepath.Join(node, "etc-cni"),
		},
	}
}

// furnish makes the mount and UTS namespaces: a copy of ourselves starts in new ones (and in the
// node's network), furnishes them, and stays until they are held.
func (m member) furnish() error {
	spec, err := json.Marshal(m.nodeSpec())
	if err != nil {
		return err
	}
	cmd := exec.Command(m.c.cfg.Executable, NodeInitCommand)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS, Setpgid: true}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := m.set().DoNet(cmd.Start); err != nil {
		return fmt.Errorf("starting in new namespaces: %w", err)
	}
	work := func() error {
		if _, err := in.Write(append(spec, '\n')); err != nil {
			return err
		}
		answer := make([]byte, 2)
		if _, err := io.ReadFull(out, answer); err != nil {
			return errors.New("furnishing the node failed, see above")
		}
		return m.set().HoldOf(cmd.Process.Pid)
	}
	err = work()
	in.Close()
	return errors.Join(err, cmd.Wait())
}

// InitNode runs inside the new namespaces: it reads a NodeSpec, furnishes the node, says "ok" and
// waits for the end of its input.
func InitNode(in io.Reader, out io.Writer) error {
	decoder := json.NewDecoder(in)
	var spec NodeSpec
	if err := decoder.Decode(&spec); err != nil {
		return fmt.Errorf("reading the node's description: %w", err)
	}
	if err := furnishNode(spec); err != nil {
		return err
	}
	if _, err := io.WriteString(out, "ok"); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

func furnishNode(spec NodeSpec) error {
	// Private first: nothing below may reach the host.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("leaving the host's mounts: %w", err)
	}
	if err := hideMounts(spec.HidePrefix); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(spec.Hostname)); err != nil {
		return fmt.Errorf("naming the node: %w", err)
	}
	for at, folder := range spec.Folders {
		for _, dir := range []string{at, folder} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if err := unix.Mount(folder, at, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting %s on %s: %w", folder, at, err)
		}
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("mounting /run: %w", err)
	}
	if err := os.MkdirAll("/run/lock", 0o1777); err != nil {
		return err
	}
	// Pods ask for mount propagation; within the node everything is shared.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("sharing the node's mounts: %w", err)
	}
	wanted := map[string]string{}
	for name, value := range nodeSysctls {
		if _, err := os.Stat("/proc/sys/" + name); err == nil {
			wanted[name] = value
		}
	}
	return writeSysctls(wanted)
}

// hideMounts takes away the held namespaces, and the stray unified hierarchy of machines whose
// controllers are all in version 1: programs take it for a sign of version 2.
func hideMounts(prefix string) error {
	mounts, err := mountinfo.GetMounts(nil)
	if err != nil {
		return fmt.Errorf("reading the mount table: %w", err)
	}
	slices.Reverse(mounts) // later mounts lie on earlier ones
	for _, m := range mounts {
		held := strings.HasPrefix(m.Mountpoint, prefix+"/")
		stray := m.FSType == "cgroup2" && m.Mountpoint != "/sys/fs/cgroup"
		if !held && !stray {
			continue
		}
		if err := unix.Unmount(m.Mountpoint, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("hiding %s: %w", m.Mountpoint, err)
		}
	}
	return nil
}
