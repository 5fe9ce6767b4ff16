package device

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// load reads the allocations; no file means none. A broken file is an error that names it: guessing would give devices twice.
func load(file string) (allocations, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return allocations{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading device allocations: %w", err)
	}
	out := allocations{}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("device allocations in %s are damaged (remove the file after draining the node): %w", file, err)
	}
	return out, nil
}

// save replaces the file in one step and makes sure that it is on disk.
func save(file string, a allocations) error {
	data, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("writing device allocations: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return fmt.Errorf("writing device allocations: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".allocations")
	if err != nil {
		return fmt.Errorf("writing device allocations: %w", err)
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing device allocations: %w", err), os.Remove(tmp.Name()))
	}
	return nil
}
