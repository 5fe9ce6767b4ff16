package podworker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubelettypes "k8s.io/kubelet/pkg/types"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

// containerConfig turns the container's spec into what the runtime wants. Errors are config errors: the pod, or
// something it refers to, must change.
func (w *worker) containerConfig(ctx context.Context, pod *v1.Pod, c *v1.Container, kind plan.Kind, attempt uint32, imageRef, handler string) (*runtimeapi.ContainerConfig, error) {
	env, order, err := w.environment(ctx, pod, c)
	if err != nil {
		return nil, configError("%v", err)
	}
	security, err := w.containerSecurity(ctx, pod, c, kind, imageRef, handler)
	if err != nil {
		return nil, configError("%v", err)
	}
	logPath := filepath.Join(c.Name, strconv.FormatUint(uint64(attempt), 10)+".log")
	if err := os.MkdirAll(filepath.Join(w.logDir(pod), c.Name), 0o755); err != nil {
		return nil, configError("making the log directory: %v", err)
	}
	config := &runtimeapi.ContainerConfig{
		Metadata:    &runtimeapi.ContainerMetadata{Name: c.Name, Attempt: attempt},
		Image:       &runtimeapi.ImageSpec{Image: imageRef, UserSpecifiedImage: c.Image, RuntimeHandler: handler},
		Command:     expandAll(c.Command, env),
		Args:        expandAll(c.Args, env),
		WorkingDir:  c.WorkingDir,
		Labels:      containerLabels(pod, c),
		Annotations: containerAnnotations(pod, c, attempt),
		LogPath:     logPath,
		Stdin:       c.Stdin, StdinOnce: c.StdinOnce, Tty: c.TTY,
		Linux: &runtimeapi.LinuxContainerConfig{Resources: w.containerResources(pod, c), SecurityContext: security},
	}
	for _, name := range order {
		config.Envs = append(config.Envs, &runtimeapi.KeyValue{Key: name, Value: []byte(env[name])})
	}
	if c.Lifecycle != nil && c.Lifecycle.StopSignal != nil {
		config.StopSignal = runtimeapi.Signal(runtimeapi.Signal_value[string(*c.Lifecycle.StopSignal)])
	}
	if config.Mounts, err = w.mounts(pod, c, env); err != nil {
		return nil, configError("%v", err)
	}
	if config.Devices, err = w.m.cfg.Volumes.Devices(pod, c); err != nil {
		return nil, configError("%v", err)
	}
	return config, w.addDevices(pod, c, config)
}

func (w *worker) addDevices(pod *v1.Pod, c *v1.Container, config *runtimeapi.ContainerConfig) error {
	if w.m.cfg.Devices == nil {
		return nil
	}
	d, err := w.m.cfg.Devices.Options(pod, c)
	if err != nil {
		return configError("%v", err)
	}
	if d == nil {
		return nil
	}
	for k, v := range d.Envs {
		config.Envs = append(config.Envs, &runtimeapi.KeyValue{Key: k, Value: []byte(v)})
	}
	for k, v := range d.Annotations {
		config.Annotations[k] = v
	}
	config.Mounts = append(config.Mounts, d.Mounts...)
	config.Devices = append(config.Devices, d.Devices...)
	config.CDIDevices = append(config.CDIDevices, d.CDIDevices...)
	return nil
}

func containerLabels(pod *v1.Pod, c *v1.Container) map[string]string {
	return map[string]string{
		kubelettypes.KubernetesPodNameLabel:       pod.Name,
		kubelettypes.KubernetesPodNamespaceLabel:  pod.Namespace,
		kubelettypes.KubernetesPodUIDLabel:        string(pod.UID),
		kubelettypes.KubernetesContainerNameLabel: c.Name,
	}
}

// containerAnnotations are what a later kubelet must know of the container even when the pod is gone.
func containerAnnotations(pod *v1.Pod, c *v1.Container, attempt uint32) map[string]string {
	a := map[string]string{
		observe.AnnotationHash:                   plan.Hash(c),
		observe.AnnotationRestartCount:           strconv.FormatUint(uint64(attempt), 10),
		observe.AnnotationTerminationMessagePath: c.TerminationMessagePath,
		observe.AnnotationTerminationPolicy:      string(c.TerminationMessagePolicy),
	}
	if s := pod.Spec.TerminationGracePeriodSeconds; s != nil {
		a[observe.AnnotationPodGracePeriod] = strconv.FormatInt(*s, 10)
	}
	if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
		if raw, err := json.Marshal(c.Lifecycle.PreStop); err == nil {
			a[observe.AnnotationPreStop] = string(raw)
		}
	}
	if len(c.Ports) > 0 {
		if raw, err := json.Marshal(c.Ports); err == nil {
			a[observe.AnnotationPorts] = string(raw)
		}
	}
	return a
}

// mounts are the volumes, and the two files the kubelet keeps: /etc/hosts and the termination message.
func (w *worker) mounts(pod *v1.Pod, c *v1.Container, env map[string]string) ([]*runtimeapi.Mount, error) {
	all, err := w.m.cfg.Volumes.ContainerMounts(pod, c, env)
	if err != nil {
		return nil, err
	}
	ownHosts := false
	for _, m := range c.VolumeMounts {
		ownHosts = ownHosts || filepath.Clean(m.MountPath) == etcHosts
	}
	if !ownHosts {
		file, err := w.writeHosts(pod)
		if err != nil {
			return nil, err
		}
		readOnly := c.SecurityContext != nil && c.SecurityContext.ReadOnlyRootFilesystem != nil && *c.SecurityContext.ReadOnlyRootFilesystem
		all = append(all, &runtimeapi.Mount{ContainerPath: etcHosts, HostPath: file, Readonly: readOnly, SelinuxRelabel: true})
	}
	if c.TerminationMessagePath == "" {
		return all, nil
	}
	file, err := w.terminationFile(c)
	if err != nil {
		return nil, err
	}
	return append(all, &runtimeapi.Mount{ContainerPath: c.TerminationMessagePath, HostPath: file, SelinuxRelabel: true}), nil
}

// terminationFile makes an empty file for one attempt. Anybody in the container may write to it.
func (w *worker) terminationFile(c *v1.Container) (string, error) {
	dir := filepath.Join(w.m.podDir(w.uid), "containers", c.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making the termination message directory: %w", err)
	}
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails
	file := filepath.Join(dir, hex.EncodeToString(id[:]))
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return "", fmt.Errorf("making the termination message file: %w", err)
	}
	defer f.Close()
	if err := f.Chmod(0o666); err != nil { // the umask must not count
		return "", fmt.Errorf("opening the termination message file to all: %w", err)
	}
	return file, nil
}
