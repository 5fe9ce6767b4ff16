package podworker

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "k8s.io/api/core/v1"
)

// fileKey reads a variable out of an env file that an init container left in an emptyDir volume (KEP-3721).
func (w *worker) fileKey(r *v1.FileKeySelector) (string, bool, error) {
	optional := r.Optional != nil && *r.Optional
	root := filepath.Join(w.m.podDir(w.uid), "volumes", "kubernetes.io~empty-dir", r.VolumeName)
	// The volume's content is the containers' to write: a link in it must not lead out of it.
	dir, err := os.OpenRoot(root)
	if err != nil {
		return "", false, fmt.Errorf("opening volume %s of environment file: %w", r.VolumeName, err)
	}
	defer dir.Close()
	f, err := dir.Open(r.Path)
	if os.IsNotExist(err) && optional {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("opening environment file %s in volume %s: %w", r.Path, r.VolumeName, err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if !ok || strings.HasPrefix(name, "#") || name != r.Key {
			continue
		}
		return strings.Trim(value, "'"), true, nil
	}
	if err := lines.Err(); err != nil {
		return "", false, fmt.Errorf("reading environment file %s: %w", r.Path, err)
	}
	if optional {
		return "", false, nil
	}
	return "", false, fmt.Errorf("environment variable key %q not found in file %q", r.Key, r.Path)
}
