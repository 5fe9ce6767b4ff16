package atomicwriter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

const (
	dataLink    = "..data"
	newDataLink = "..data_tmp"
	dateFormat  = "..2006_01_02_15_04_05."
)

// File is the content of one file.
type File struct {
	Data []byte
	Mode int32
	// Owner is the user who owns the file; nil leaves it with the kubelet.
	Owner *int64
}

// Payload maps relative paths to files.
type Payload map[string]File

// Write makes dir show exactly the payload. It returns whether anything changed. prepare is called with the new dated directory
// before readers can see it: the place to set owners.
func Write(dir string, payload Payload, now time.Time, prepare func(dir string) error) (bool, error) {
	if err := validate(payload); err != nil {
		return false, err
	}
	old, err := os.Readlink(filepath.Join(dir, dataLink))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("reading the current content: %w", err)
	}
	if old != "" && !strings.HasPrefix(old, "..") {
		return false, fmt.Errorf("%s points to %q, which this package did not make", filepath.Join(dir, dataLink), old)
	}
	if old != "" {
		same, err := sameContent(filepath.Join(dir, old), payload)
		if err != nil {
			return false, err
		}
		if same {
			// A crash may have come between the rename and the links.
			return false, link(dir, payload)
		}
	}
	dated, err := writeDated(dir, payload, now)
	if err != nil {
		return false, err
	}
	if prepare != nil {
		if err := prepare(dated); err != nil {
			return false, errors.Join(err, os.RemoveAll(dated))
		}
	}
	if err := turn(dir, dated); err != nil {
		return false, errors.Join(err, os.RemoveAll(dated))
	}
	if err := link(dir, payload); err != nil {
		return true, err
	}
	if err := unlinkStale(dir, payload); err != nil {
		return true, err
	}
	return true, removeOld(dir, filepath.Base(dated))
}

// validate refuses paths that would leave the directory or collide with the scheme's own names.
func validate(payload Payload) error {
	for name := range payload {
		switch {
		case name == "" || path.IsAbs(name):
			return fmt.Errorf("invalid path %q: must be relative and not empty", name)
		case len(name) > 4096:
			return fmt.Errorf("invalid path %q: longer than 4096 characters", name[:64]+"...")
		case path.Clean(name) != name && path.Clean(name)+"/" != name:
			return fmt.Errorf("invalid path %q: must be in its shortest form", name)
		case strings.HasPrefix(name, ".."):
			return fmt.Errorf("invalid path %q: must not start with '..'", name)
		}
		for _, part := range strings.Split(name, "/") {
			if part == ".." || len(part) > 255 {
				return fmt.Errorf("invalid path %q: each part must be at most 255 characters and not '..'", name)
			}
		}
	}
	return nil
}

func sameContent(dir string, payload Payload) (bool, error) {
	seen := 0
	same := true
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		want, ok := payload[rel]
		if !ok {
			same = false
			return fs.SkipAll
		}
		have, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if !bytes.Equal(have, want.Data) {
			same = false
			return fs.SkipAll
		}
		seen++
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // the link is there but what it shows is gone: write anew
	}
	if err != nil {
		return false, fmt.Errorf("comparing with the current content: %w", err)
	}
	return same && seen == len(payload), nil
}

func writeDated(dir string, payload Payload, now time.Time) (string, error) {
	dated, err := os.MkdirTemp(dir, now.UTC().Format(dateFormat))
	if err != nil {
		return "", fmt.Errorf("creating the new content: %w", err)
	}
	fail := func(err error) (string, error) {
		return "", errors.Join(fmt.Errorf("writing the new content: %w", err), os.RemoveAll(dated))
	}
	// MkdirTemp makes directories for the owner alone; containers run as anybody.
	if err := os.Chmod(dated, 0o755); err != nil {
		return fail(err)
	}
	for name, file := range payload {
		full := filepath.Join(dated, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return fail(err)
		}
		mode := fs.FileMode(file.Mode) & fs.ModePerm
		if err := os.WriteFile(full, file.Data, mode); err != nil {
			return fail(err)
		}
		// Once more: the umask took its part.
		if err := os.Chmod(full, mode); err != nil {
			return fail(err)
		}
		if file.Owner != nil {
			if err := os.Chown(full, int(*file.Owner), -1); err != nil {
				return fail(err)
			}
		}
	}
	return dated, nil
}

// turn makes ..data show the new directory, in one step for readers.
func turn(dir, dated string) error {
	tmp := filepath.Join(dir, newDataLink)
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a leftover: %w", err)
	}
	if err := os.Symlink(filepath.Base(dated), tmp); err != nil {
		return fmt.Errorf("linking the new content: %w", err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, dataLink)); err != nil {
		return fmt.Errorf("turning to the new content: %w", errors.Join(err, os.Remove(tmp)))
	}
	return nil
}

// firsts are the names that the directory must show.
func firsts(payload Payload) map[string]bool {
	out := make(map[string]bool, len(payload))
	for name := range payload {
		first, _, _ := strings.Cut(name, "/")
		out[first] = true
	}
	return out
}

func link(dir string, payload Payload) error {
	for first := range firsts(payload) {
		name := filepath.Join(dir, first)
		if _, err := os.Readlink(name); err == nil {
			continue
		}
		if err := os.Symlink(path.Join(dataLink, first), name); err != nil {
			return fmt.Errorf("showing %s: %w", first, err)
		}
	}
	return nil
}

// unlinkStale removes names that are gone from the payload. Only links of this package's own making are touched.
func unlinkStale(dir string, payload Payload) error {
	keep := firsts(payload)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for stale names: %w", err)
	}
	for _, e := range entries {
		if keep[e.Name()] || strings.HasPrefix(e.Name(), "..") || e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		name := filepath.Join(dir, e.Name())
		if target, err := os.Readlink(name); err != nil || target != path.Join(dataLink, e.Name()) {
			continue
		}
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("removing stale name: %w", err)
		}
	}
	return nil
}

// removeOld removes every dated directory but the current one, those of interrupted writes too.
func removeOld(dir, current string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for old content: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), "..") && e.Name() != current {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}
