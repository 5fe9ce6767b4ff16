package mounter

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Fake keeps mounts in memory. Targets stay plain directories.
type Fake struct {
	mu     sync.Mutex
	points map[string]Point
}

// Point is one mount of a Fake.
type Point struct {
	Source, FSType, Data string
	Flags                uintptr
}

var _ Interface = &Fake{}

// Mount implements Interface.
func (f *Fake) Mount(source, target, fstype string, flags uintptr, data string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.points == nil {
		f.points = map[string]Point{}
	}
	f.points[filepath.Clean(target)] = Point{Source: source, FSType: fstype, Flags: flags, Data: data}
	return nil
}

// Unmount implements Interface.
func (f *Fake) Unmount(target string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.points, filepath.Clean(target))
	return nil
}

// Mounted implements Interface.
func (f *Fake) Mounted(target string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.points[filepath.Clean(target)]
	return ok, nil
}

// Below implements Interface.
func (f *Fake) Below(dir string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for target := range f.points {
		if target == dir || strings.HasPrefix(target, dir+"/") {
			out = append(out, target)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	return out, nil
}

// Points returns a copy of what is mounted.
func (f *Fake) Points() map[string]Point {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.points)
}
