package volume

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 2*time.Minute + 2*time.Second
)

// Mount makes all volumes of the pod ready. What fails is tried again, sooner when Resync says that something changed, until ctx
// ends; each failure is an event. It returns at once when everything is there.
func (m *Manager) Mount(ctx context.Context, pod *v1.Pod) error {
	e := m.entry(pod)
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		failed := m.mountMissing(ctx, e)
		if len(failed) == 0 {
			m.scheduleRefresh()
			return nil
		}
		m.announce(e, failed)
		timer := m.cfg.Clock.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return unmountedError(failed, ctx.Err())
		case <-e.changed:
			timer.Stop()
		case <-timer.C():
		}
	}
}

// mountMissing tries every volume that is not ready, all at the same time: one that waits for the API server does not
// hold up the others.
func (m *Manager) mountMissing(ctx context.Context, e *podVolumes) map[string]error {
	e.io.Lock()
	defer e.io.Unlock()
	pod, done := m.snapshot(e)
	var (
		mu     sync.Mutex
		failed = map[string]error{}
		group  sync.WaitGroup
	)
	// Who is missing is settled before the first goroutine writes to done.
	var missing []*v1.Volume
	for i := range pod.Spec.Volumes {
		if _, ok := done[pod.Spec.Volumes[i].Name]; !ok {
			missing = append(missing, &pod.Spec.Volumes[i])
		}
	}
	for _, v := range missing {
		group.Go(func() {
			mounted, err := m.setUp(ctx, pod, v)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[v.Name] = err
				return
			}
			done[v.Name] = mounted
		})
	}
	group.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	e.mounted = done
	return failed
}

func (m *Manager) snapshot(e *podVolumes) (*v1.Pod, map[string]plugin.Mounted) {
	m.mu.Lock()
	defer m.mu.Unlock()
	done := make(map[string]plugin.Mounted, len(e.pod.Spec.Volumes))
	for name, mounted := range e.mounted {
		done[name] = mounted
	}
	return e.pod, done
}

func (m *Manager) setUp(ctx context.Context, pod *v1.Pod, v *v1.Volume) (plugin.Mounted, error) {
	kind, req, err := m.bind(ctx, pod, v)
	if err != nil {
		return plugin.Mounted{}, err
	}
	return m.plugins[kind].SetUp(ctx, req)
}

func (m *Manager) request(pod *v1.Pod, v *v1.Volume, kind, name string) plugin.Request {
	return plugin.Request{Pod: pod, Volume: v, Dir: m.volumeDir(pod.UID, kind, name), StateDir: m.stateDir(pod.UID, kind, name)}
}

func (m *Manager) announce(e *podVolumes, failed map[string]error) {
	m.mu.Lock()
	pod := e.pod
	m.mu.Unlock()
	for _, name := range names(failed) {
		if errors.Is(failed[name], context.Canceled) {
			continue // nobody waits for it any more
		}
		m.cfg.Recorder.Eventf(pod, v1.EventTypeWarning, "FailedMount", "MountVolume.SetUp failed for volume %q : %v", name, failed[name])
	}
}

func unmountedError(failed map[string]error, cause error) error {
	var reasons []error
	for _, name := range names(failed) {
		reasons = append(reasons, fmt.Errorf("volume %q: %w", name, failed[name]))
	}
	return fmt.Errorf("unmounted volumes=[%s], unattached volumes=[], failed to process volumes=[]: %w: %w",
		strings.Join(names(failed), " "), cause, errors.Join(reasons...))
}

func names(failed map[string]error) []string {
	out := make([]string, 0, len(failed))
	for name := range failed {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
