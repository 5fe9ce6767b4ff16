package podworker

import (
	"fmt"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

const etcHosts = "/etc/hosts"

func (m *Manager) podDir(uid types.UID) string {
	return filepath.Join(m.cfg.RootDir, "pods", string(uid))
}

func (w *worker) logDir(pod *v1.Pod) string {
	return filepath.Join(w.m.cfg.LogsDir, fmt.Sprintf("%s_%s_%s", pod.Namespace, pod.Name, pod.UID))
}

func (w *worker) makeDirs(pod *v1.Pod) error {
	for _, dir := range []string{w.m.podDir(w.uid), filepath.Join(w.m.podDir(w.uid), "volumes"), filepath.Join(w.m.podDir(w.uid), "plugins"), w.logDir(pod)} {
		mode := os.FileMode(0o750)
		if dir == w.logDir(pod) {
			mode = 0o755
		}
		if err := os.MkdirAll(dir, mode); err != nil {
			w.event(pod, "", v1.EventTypeWarning, "FailedToMakePodDataDirectories", "error making pod data directories: "+err.Error())
			return fmt.Errorf("making the pod's directories: %w", err)
		}
	}
	return nil
}

// writeHosts writes the /etc/hosts that the pod's containers share. It is written in place: running containers have
// it bind-mounted.
func (w *worker) writeHosts(pod *v1.Pod) (string, error) {
	hostname, domain, err := w.hostname(pod)
	if err != nil {
		return "", err
	}
	data, err := w.m.cfg.DNS.HostsFile(pod, w.m.cfg.Observer.Get(w.uid).IPs(), hostname, domain)
	if err != nil {
		return "", fmt.Errorf("composing %s: %w", etcHosts, err)
	}
	file := filepath.Join(w.m.podDir(w.uid), "etc-hosts")
	if old, err := os.ReadFile(file); err == nil && string(old) == string(data) {
		return file, nil
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return "", fmt.Errorf("writing %s: %w", etcHosts, err)
	}
	return file, os.Chmod(file, 0o644)
}

// Links in /var/log/containers: POD_NAMESPACE_CONTAINER-ID.log, which log collectors read names from.
func (w *worker) link(namespace, pod, container, id string) string {
	return filepath.Join(w.m.cfg.LinksDir, fmt.Sprintf("%s_%s_%s-%s.log", pod, namespace, container, id))
}

func (w *worker) addLink(pod *v1.Pod, c *v1.Container, id string, config *runtimeapi.ContainerConfig) {
	if w.m.cfg.LinksDir == "" {
		return
	}
	// A link is a courtesy: a container runs without.
	_ = os.Symlink(filepath.Join(w.logDir(pod), config.LogPath), w.link(pod.Namespace, pod.Name, c.Name, id))
}

func (w *worker) removeLink(p *observe.Pod, c *observe.Container) {
	if w.m.cfg.LinksDir != "" {
		_ = os.Remove(w.link(p.Namespace, p.Name, c.Name, c.ID))
	}
}

// removeLogs removes the log directory of a pod that is gone.
func (w *worker) removeLogs(p *observe.Pod) error {
	dirs, _ := filepath.Glob(filepath.Join(w.m.cfg.LogsDir, "*_"+string(w.uid)))
	for _, d := range dirs {
		if err := os.RemoveAll(d); err != nil {
			return fmt.Errorf("removing logs: %w", err)
		}
	}
	return nil
}
