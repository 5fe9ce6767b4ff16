package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

const (
	podsDir    = "pods"
	volumesDir = "volumes"
	stateDir   = "plugins"
	devicesDir = "volumeDevices"
)

// PodDir is the directory of a pod.
func PodDir(root string, uid types.UID) string { return filepath.Join(root, podsDir, string(uid)) }

// escape turns a kind's name into a file name, as upstream does.
func escape(kind string) string { return strings.ReplaceAll(kind, "/", "~") }

func (m *Manager) volumeDir(uid types.UID, kind, name string) string {
	return filepath.Join(PodDir(m.cfg.RootDir, uid), volumesDir, escape(kind), name)
}

func (m *Manager) stateDir(uid types.UID, kind, name string) string {
	return filepath.Join(PodDir(m.cfg.RootDir, uid), stateDir, escape(kind), name)
}

// onDisk is a volume found in a pod's directory.
type onDisk struct{ kind, name, dir string }

// volumesOnDisk lists what the pod's directory holds.
func (m *Manager) volumesOnDisk(uid types.UID) ([]onDisk, error) {
	top := filepath.Join(PodDir(m.cfg.RootDir, uid), volumesDir)
	kinds, err := os.ReadDir(top)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing volumes: %w", err)
	}
	var out []onDisk
	for _, kind := range kinds {
		volumes, err := os.ReadDir(filepath.Join(top, kind.Name()))
		if err != nil {
			return nil, fmt.Errorf("listing volumes: %w", err)
		}
		for _, v := range volumes {
			out = append(out, onDisk{kind: strings.ReplaceAll(kind.Name(), "~", "/"), name: v.Name(), dir: filepath.Join(top, kind.Name(), v.Name())})
		}
	}
	return out, nil
}

// PodsOnDisk lists the pods that have a directory.
func (m *Manager) PodsOnDisk() ([]types.UID, error) {
	entries, err := os.ReadDir(filepath.Join(m.cfg.RootDir, podsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing pod directories: %w", err)
	}
	var out []types.UID
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, types.UID(e.Name()))
		}
	}
	return out, nil
}
