package objects

import (
	"context"
	"fmt"
	"sync"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// Config of a Manager.
type Config struct {
	// Client may be nil for a kubelet without API server: then nothing is found.
	Client kubernetes.Interface
	// OnChange is told the pods that refer to an object that changed. It must not block.
	OnChange func(pods []types.UID)
}

// Manager keeps the watches.
type Manager struct {
	cfg Config

	mu      sync.Mutex
	pods    map[types.UID]map[key]bool
	watched map[key]*watched
}

// New builds a Manager.
func New(cfg Config) (*Manager, error) {
	if cfg.OnChange == nil {
		cfg.OnChange = func([]types.UID) {}
	}
	return &Manager{cfg: cfg, pods: map[types.UID]map[key]bool{}, watched: map[key]*watched{}}, nil
}

// Run lives until ctx ends, and then ends every watch.
func (m *Manager) Run(ctx context.Context) error {
	<-ctx.Done()
	m.mu.Lock()
	all := m.watched
	m.watched = map[key]*watched{}
	m.pods = map[types.UID]map[key]bool{}
	m.mu.Unlock()
	for _, w := range all {
		w.stop()
	}
	return nil
}

// Register makes the objects of the pod watched, and lets go of those that an earlier version of it referred to.
func (m *Manager) Register(pod *v1.Pod) {
	if m.cfg.Client == nil {
		return
	}
	m.replace(pod.UID, references(pod))
}

// Unregister lets go of the pod's objects.
func (m *Manager) Unregister(uid types.UID) { m.replace(uid, nil) }

func (m *Manager) replace(uid types.UID, refs map[key]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.pods[uid]
	for k := range refs {
		w := m.watched[k]
		if w == nil {
			w = start(m.cfg.Client, k, func() { m.cfg.OnChange(m.users(k)) })
			m.watched[k] = w
		}
		if !old[k] {
			w.users++
		}
	}
	for k := range old {
		if refs[k] {
			continue
		}
		if w := m.watched[k]; w != nil {
			if w.users--; w.users == 0 {
				delete(m.watched, k)
				go w.stop() // waits for the watch's goroutine, which may be waiting for our lock in users
			}
		}
	}
	if len(refs) == 0 {
		delete(m.pods, uid)
		return
	}
	m.pods[uid] = refs
}

func (m *Manager) users(k key) []types.UID {
	m.mu.Lock()
	defer m.mu.Unlock()
	var pods []types.UID
	for uid, refs := range m.pods {
		if refs[k] {
			pods = append(pods, uid)
		}
	}
	return pods
}

// ConfigMap returns the object; do not change it. The error of a missing one satisfies apierrors.IsNotFound.
func (m *Manager) ConfigMap(ctx context.Context, namespace, name string) (*v1.ConfigMap, error) {
	o, err := m.get(ctx, key{configMap, namespace, name})
	if err != nil {
		return nil, err
	}
	return o.(*v1.ConfigMap), nil
}

// Secret returns the object; do not change it. The error of a missing one satisfies apierrors.IsNotFound.
func (m *Manager) Secret(ctx context.Context, namespace, name string) (*v1.Secret, error) {
	o, err := m.get(ctx, key{secret, namespace, name})
	if err != nil {
		return nil, err
	}
	return o.(*v1.Secret), nil
}

func (m *Manager) get(ctx context.Context, k key) (runtime.Object, error) {
	if m.cfg.Client == nil {
		return nil, apierrors.NewNotFound(v1.Resource(k.resource()), k.name)
	}
	m.mu.Lock()
	w := m.watched[k]
	m.mu.Unlock()
	if w != nil {
		if o, known := w.value(); known && o != nil {
			return o, nil
		} else if known {
			return nil, apierrors.NewNotFound(v1.Resource(k.resource()), k.name)
		}
	}
	// The watch has not answered yet: ask, so that a pod's start does not wait for a watch to be set up.
	o, err := fetch(ctx, m.cfg.Client, k)
	if err != nil {
		return nil, fmt.Errorf("fetching %s %s/%s: %w", k.resource(), k.namespace, k.name, err)
	}
	return o, nil
}

func (k key) resource() string {
	if k.kind == configMap {
		return "configmaps"
	}
	return "secrets"
}

func fetch(ctx context.Context, client kubernetes.Interface, k key) (runtime.Object, error) {
	if k.kind == configMap {
		return client.CoreV1().ConfigMaps(k.namespace).Get(ctx, k.name, metav1.GetOptions{})
	}
	return client.CoreV1().Secrets(k.namespace).Get(ctx, k.name, metav1.GetOptions{})
}
