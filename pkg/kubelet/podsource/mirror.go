package podsource

import (
	"context"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// MirrorConfig of a Mirror.
type MirrorConfig struct {
	Client kubernetes.Interface
	// Node returns the Node object, which owns the mirrors; nil while it is not known.
	Node func() *v1.Node
	// Changed is told the UID of the static pod whose mirror appeared or changed.
	Changed func(static types.UID)
	Clock   clock.Clock
}

// Mirror keeps one pod in the API for each static pod.
type Mirror struct {
	cfg MirrorConfig

	mu      sync.Mutex
	static  map[types.NamespacedName]*v1.Pod
	mirrors map[types.NamespacedName]*v1.Pod
	wake    chan struct{}
}

// NewMirror builds a Mirror.
func NewMirror(cfg MirrorConfig) (*Mirror, error) {
	if cfg.Changed == nil {
		cfg.Changed = func(types.UID) {}
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	return &Mirror{cfg: cfg, static: map[types.NamespacedName]*v1.Pod{}, mirrors: map[types.NamespacedName]*v1.Pod{},
		wake: make(chan struct{}, 1)}, nil
}

func nameOf(p *v1.Pod) types.NamespacedName {
	return types.NamespacedName{Namespace: p.Namespace, Name: p.Name}
}

func (m *Mirror) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// SetStatic and RemoveStatic tell which static pods there are.
func (m *Mirror) SetStatic(pod *v1.Pod) {
	m.mu.Lock()
	m.static[nameOf(pod)] = pod
	m.mu.Unlock()
	m.poke()
}

// RemoveStatic says that the static pod is gone.
func (m *Mirror) RemoveStatic(uid types.UID) {
	m.mu.Lock()
	for n, p := range m.static {
		if p.UID == uid {
			delete(m.static, n)
		}
	}
	m.mu.Unlock()
	m.poke()
}

// SetMirror and RemoveMirror tell which mirrors the API has.
func (m *Mirror) SetMirror(pod *v1.Pod) {
	m.mu.Lock()
	old := m.mirrors[nameOf(pod)]
	m.mirrors[nameOf(pod)] = pod
	static := m.static[nameOf(pod)]
	m.mu.Unlock()
	m.poke()
	if static != nil && (old == nil || old.UID != pod.UID) {
		m.cfg.Changed(static.UID)
	}
}

// RemoveMirror says that a mirror is gone; false when uid is none.
func (m *Mirror) RemoveMirror(uid types.UID) bool {
	m.mu.Lock()
	found := false
	for n, p := range m.mirrors {
		if p.UID == uid {
			delete(m.mirrors, n)
			found = true
		}
	}
	m.mu.Unlock()
	if found {
		m.poke()
	}
	return found
}

// Of returns the pod in the API that stands for pod: itself unless it is static; nil when there is no mirror yet.
func (m *Mirror) Of(pod *v1.Pod) *v1.Pod {
	if !IsStatic(pod) {
		return pod
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	mirror := m.mirrors[nameOf(pod)]
	if mirror == nil || mirror.Annotations[AnnotationMirror] != pod.Annotations[AnnotationHash] {
		return nil
	}
	return mirror
}

// Run creates and deletes mirrors until ctx ends.
func (m *Mirror) Run(ctx context.Context) error {
	failed := 0
	for {
		if err := m.sync(ctx); err != nil && ctx.Err() == nil {
			failed++
			klog.FromContext(ctx).V(1).Info("Keeping mirror pods; trying again", "err", err)
			select {
			case <-ctx.Done():
				return nil
			case <-m.cfg.Clock.After(min(500*time.Millisecond<<min(failed, 6), 15*time.Second)):
			}
			continue
		}
		failed = 0
		select {
		case <-ctx.Done():
			return nil
		case <-m.wake:
		}
	}
}

func (m *Mirror) sync(ctx context.Context) error {
	m.mu.Lock()
	var create, remove []*v1.Pod
	for n, s := range m.static {
		if m.mirrors[n] == nil {
			create = append(create, s)
		}
	}
	for n, p := range m.mirrors {
		s := m.static[n]
		if s == nil || p.Annotations[AnnotationMirror] != s.Annotations[AnnotationHash] || p.DeletionTimestamp != nil {
			remove = append(remove, p)
		}
	}
	m.mu.Unlock()
	var first error
	for _, p := range remove {
		zero, uid := int64(0), p.UID
		err := m.cfg.Client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &zero, Preconditions: &metav1.Preconditions{UID: &uid}})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) && first == nil {
			first = fmt.Errorf("deleting mirror pod %s: %w", nameOf(p), err)
		}
	}
	for _, s := range create {
		if err := m.create(ctx, s); err != nil && first == nil {
			first = fmt.Errorf("creating mirror pod %s: %w", nameOf(s), err)
		}
	}
	return first
}

func (m *Mirror) create(ctx context.Context, static *v1.Pod) error {
	node := m.cfg.Node()
	if node == nil || node.UID == "" {
		return fmt.Errorf("the node is not registered yet")
	}
	pod := static.DeepCopy()
	pod.UID, pod.Status = "", v1.PodStatus{}
	pod.Annotations[AnnotationMirror] = static.Annotations[AnnotationHash]
	controller := true
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID, Controller: &controller}}
	created, err := m.cfg.Client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil // the watch will show it
	}
	if err == nil {
		m.SetMirror(created)
	}
	return err
}
