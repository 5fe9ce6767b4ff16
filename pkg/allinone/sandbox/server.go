package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"tiphys.dev/tiphys/pkg/allinone/status"
)

// role is what the node's process is called.
func (m member) role() string {
	if m.number == 1 {
		return "server"
	}
	return "agent of " + m.name()
}

// running tells whether the node's server or agent is alive.
func (m member) running() (bool, error) {
	s, err := status.Read(m.dataDir())
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && s.Alive(), nil
}

// ServerFlags tell the server what its node looks like.
func (c *Cluster) ServerFlags() []string {
	return append([]string{
		"--data-dir=" + c.rec.DataDir,
		"--node-name=" + c.cfg.Name,
		"--node-ip=" + c.network.Node().String(),
		"--cluster-cidr=" + c.network.Pods.String(),
		"--node-pod-cidr=" + c.network.NodePods().String(),
		"--service-cidr=" + c.network.Services.String(),
		"--cluster-dns=" + c.network.DNS().String(),
		"--cgroup-root=" + c.server().cgroup(),
		// Nothing answers names of the outside world here; asking the host's end fails at once
		// unless somebody serves names there.
		"--upstream-dns=" + c.network.Host().String(),
		"--development",
	}, c.cfg.ServerArgs...)
}

// maxLog is the size beyond which the log of earlier runs is set aside.
const maxLog = 16 << 20

// startServer starts `tiphys server` inside the first node.
func (c *Cluster) startServer() (<-chan error, error) {
	c.cfg.Progress("starting the server; its log is %s", c.LogFile())
	return c.server().startProcess(append([]string{"server"}, c.ServerFlags()...), nil)
}

// startProcess starts this program inside the node and leaves it running. The channel tells when it
// ends while we wait.
func (m member) startProcess(args, env []string) (<-chan error, error) {
	if info, err := os.Stat(m.logFile()); err == nil && info.Size() > maxLog {
		if err := os.Rename(m.logFile(), m.logFile()+".1"); err != nil {
			return nil, err
		}
	}
	log, err := os.OpenFile(m.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	defer log.Close()
	// A status of the run before would be taken for this one's.
	if err := status.Write(m.dataDir(), status.Status{}); err != nil {
		return nil, err
	}
	cmd := exec.Command(m.c.cfg.Executable, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := m.set().Do(cmd.Start); err != nil {
		return nil, fmt.Errorf("starting the %s inside: %w", m.role(), err)
	}
	// Until the server speaks for itself, this keeps a second `dev up` from starting another.
	if began, err := status.StartTime(cmd.Process.Pid); err == nil {
		if err := status.Write(m.dataDir(), status.Status{PID: cmd.Process.Pid, StartTime: began}); err != nil {
			return nil, err
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return ended, nil
}
