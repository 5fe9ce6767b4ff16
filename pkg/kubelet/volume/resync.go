package volume

import (
	"context"
	"errors"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/kubelet/volume/plugin"
)

// Resync writes the content of the pod's volumes again where it changed: call it when the pod's labels or
// annotations, or an object it refers to, changed. A Mount that waits for that object tries at once.
func (m *Manager) Resync(ctx context.Context, pod *v1.Pod) error {
	m.mu.Lock()
	e := m.pods[pod.UID]
	if e != nil {
		e.pod = pod
	}
	m.mu.Unlock()
	if e == nil {
		return nil // not mounted yet: Mount will read the present content
	}
	select {
	case e.changed <- struct{}{}:
	default:
	}
	err := m.refresh(ctx, e)
	m.scheduleRefresh()
	return err
}

func (m *Manager) refresh(ctx context.Context, e *podVolumes) error {
	e.io.Lock()
	defer e.io.Unlock()
	pod, mounted := m.snapshot(e)
	var errs []error
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if _, ok := mounted[v.Name]; !ok {
			continue
		}
		kind, err := kindOf(v)
		if err != nil {
			continue
		}
		refresher, ok := m.plugins[kind].(plugin.Refresher)
		if !ok {
			continue
		}
		if err := refresher.Refresh(ctx, m.request(pod, v, kind, v.Name)); err != nil {
			errs = append(errs, fmt.Errorf("volume %q: %w", v.Name, err))
			m.cfg.Recorder.Eventf(pod, v1.EventTypeWarning, "FailedMount", "MountVolume.SetUp failed for volume %q : %v", v.Name, err)
		}
	}
	return errors.Join(errs...)
}

func (m *Manager) requestToken(ctx context.Context, namespace, account string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
	if m.cfg.Client == nil {
		return nil, errors.New("cannot use service account tokens without an API server")
	}
	return m.cfg.Client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, req, metav1.CreateOptions{})
}

// Run renews tokens before they expire, until ctx ends.
func (m *Manager) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		m.waitDue(ctx)
	}
	return nil
}

// idle is how long Run sleeps when there is no token at all; a new one wakes it.
const idle = time.Hour

// waitDue sleeps until the next token is due, and renews; or until that changes.
func (m *Manager) waitDue(ctx context.Context) {
	wait := idle
	if next := m.nextRefresh(); !next.IsZero() {
		wait = max(next.Sub(m.cfg.Clock.Now()), time.Second)
	}
	timer := m.cfg.Clock.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-m.due:
	case <-timer.C():
		m.renew(ctx)
	}
}

func (m *Manager) scheduleRefresh() {
	select {
	case m.due <- struct{}{}:
	default:
	}
}

func (m *Manager) nextRefresh() time.Time {
	var next time.Time
	for _, e := range m.entries() {
		if at := m.tokens.NextRefresh(e.pod.UID); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

func (m *Manager) renew(ctx context.Context) {
	now := m.cfg.Clock.Now()
	for _, e := range m.entries() {
		if at := m.tokens.NextRefresh(e.pod.UID); at.IsZero() || at.After(now) {
			continue
		}
		if err := m.refresh(ctx, e.podVolumes); err != nil {
			klog.FromContext(ctx).Error(err, "Renewing tokens", "pod", klog.KObj(e.pod))
		}
	}
}

type entry struct {
	*podVolumes
	pod *v1.Pod
}

func (m *Manager) entries() []entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]entry, 0, len(m.pods))
	for _, e := range m.pods {
		out = append(out, entry{podVolumes: e, pod: e.pod})
	}
	return out
}

// forget drops what is remembered of the pod.
func (m *Manager) forget(uid types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pods, uid)
	m.tokens.Forget(uid)
}
