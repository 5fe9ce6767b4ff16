package podsource

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// FilesConfig of a Files source.
type FilesConfig struct {
	// Path is a directory of manifests, or one manifest.
	Path     string
	NodeName string
	// Period of the look that makes up for missed notifications; 0 means 20 s.
	Period  time.Duration
	Rules   Rules
	Handler Handler
	Clock   clock.WithTicker
}

// Files watches manifests on disk.
type Files struct {
	cfg   FilesConfig
	known map[types.UID]*v1.Pod
}

// NewFiles builds the source.
func NewFiles(cfg FilesConfig) (*Files, error) {
	if cfg.Path == "" || cfg.Handler == nil {
		return nil, fmt.Errorf("static pod source: path and handler are needed")
	}
	if cfg.Period == 0 {
		cfg.Period = 20 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	return &Files{cfg: cfg, known: map[types.UID]*v1.Pod{}}, nil
}

// Run watches until ctx ends.
func (f *Files) Run(ctx context.Context) error {
	log := klog.FromContext(ctx)
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching %s: %w", f.cfg.Path, err)
	}
	defer watcher.Close()
	watching := false
	synced := false
	ticker := f.cfg.Clock.NewTicker(f.cfg.Period)
	defer ticker.Stop()
	for {
		if !watching {
			watching = watcher.Add(f.cfg.Path) == nil
		}
		if err := f.look(ctx); err != nil {
			log.Error(err, "Reading static pods", "path", f.cfg.Path)
		}
		if !synced {
			synced = true
			f.cfg.Handler.Synced()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
		case <-watcher.Events:
			drain(watcher.Events)
		case err := <-watcher.Errors:
			log.Error(err, "Watching static pods", "path", f.cfg.Path)
		}
	}
}

func drain(events <-chan fsnotify.Event) {
	for {
		select {
		case <-events:
		default:
			return
		}
	}
}

// look reads everything and tells the handler what differs.
func (f *Files) look(ctx context.Context) error {
	paths, err := manifests(f.cfg.Path)
	if err != nil {
		return err
	}
	now := map[types.UID]*v1.Pod{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			if os.IsNotExist(err) {
				continue
			}
			return fmt.Errorf("reading %s: %w", path, err)
		}
		if len(strings.TrimSpace(string(data))) == 0 {
			continue // a file being written
		}
		pods, err := f.cfg.Rules.decode(data)
		if err != nil {
			klog.FromContext(ctx).Error(err, "Static pod manifest left out", "file", path)
			continue
		}
		for _, p := range pods {
			pod, err := f.cfg.Rules.complete(p, f.cfg.NodeName, "file", path, f.cfg.Clock.Now())
			if err != nil {
				klog.FromContext(ctx).Error(err, "Static pod left out", "file", path)
				continue
			}
			now[pod.UID] = pod
		}
	}
	f.known = deliver(f.cfg.Handler, f.known, now)
	return nil
}

// deliver tells the handler the difference. A static pod's UID is its content, so it never changes in place.
func deliver(h Handler, before, now map[types.UID]*v1.Pod) map[types.UID]*v1.Pod {
	for uid := range before {
		if now[uid] == nil {
			h.Remove(uid)
		}
	}
	for uid, pod := range now {
		if old := before[uid]; old != nil {
			now[uid] = old
			continue
		}
		h.Set(pod)
	}
	return now
}

// manifests lists the files; a missing directory is an empty one.
func manifests(path string) ([]string, error) {
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking at %s: %w", path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", path, err)
	}
	var all []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			all = append(all, filepath.Join(path, e.Name()))
		}
	}
	sort.Strings(all)
	return all, nil
}
