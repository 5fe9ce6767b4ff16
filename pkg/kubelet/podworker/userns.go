package podworker

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// User namespaces: every pod with hostUsers=false gets 65536 host IDs of its own, above those of the node itself. The
// choice is written into the pod's directory, so that it survives a restart.
const (
	idsPerPod  = 65536
	usernsSlot = 1024 // pods at most; the node's own IDs are slot 0
)

func (m *Manager) usernsFile(uid types.UID) string {
	return filepath.Join(m.podDir(uid), "userns")
}

// userns returns the pod's ID mapping, choosing a free one the first time.
func (m *Manager) userns(pod *v1.Pod) (*runtimeapi.IDMapping, error) {
	m.usernsLock.Lock()
	defer m.usernsLock.Unlock()
	if m.usernsUsed == nil {
		m.loadUserns()
	}
	slot, ok := m.usernsUsed[pod.UID]
	if !ok {
		taken := map[uint32]bool{}
		for _, s := range m.usernsUsed {
			taken[s] = true
		}
		for s := uint32(1); s <= usernsSlot; s++ {
			if !taken[s] {
				slot = s
				break
			}
		}
		if slot == 0 {
			return nil, fmt.Errorf("no user namespace range is free for the pod")
		}
		if err := os.MkdirAll(m.podDir(pod.UID), 0o750); err != nil {
			return nil, fmt.Errorf("recording the user namespace: %w", err)
		}
		if err := os.WriteFile(m.usernsFile(pod.UID), []byte(strconv.FormatUint(uint64(slot), 10)), 0o600); err != nil {
			return nil, fmt.Errorf("recording the user namespace: %w", err)
		}
		m.usernsUsed[pod.UID] = slot
	}
	return &runtimeapi.IDMapping{HostId: slot * idsPerPod, ContainerId: 0, Length: idsPerPod}, nil
}

func (m *Manager) loadUserns() {
	m.usernsUsed = map[types.UID]uint32{}
	files, _ := filepath.Glob(m.usernsFile("*"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		if slot, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 32); err == nil {
			m.usernsUsed[types.UID(filepath.Base(filepath.Dir(f)))] = uint32(slot)
		}
	}
}

func (m *Manager) releaseUserns(uid types.UID) {
	m.usernsLock.Lock()
	defer m.usernsLock.Unlock()
	delete(m.usernsUsed, uid)
}

// UserNamespace returns the pod's ID mapping, for volumes that must belong to the pod's root; nil for a pod of the
// node's own user namespace.
func (m *Manager) UserNamespace(pod *v1.Pod) (*runtimeapi.IDMapping, error) {
	if pod.Spec.HostUsers == nil || *pod.Spec.HostUsers {
		return nil, nil
	}
	return m.userns(pod)
}
