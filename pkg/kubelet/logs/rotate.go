package logs

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	stampFormat = "20060102-150405"
	gzipSuffix  = ".gz"
	tmpSuffix   = ".tmp"
)

// Runtime is what rotation needs of the container runtime.
type Runtime interface {
	ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error)
	ContainerStatus(ctx context.Context, containerID string, verbose bool) (*runtimeapi.ContainerStatusResponse, error)
	ReopenContainerLog(ctx context.Context, containerID string) error
}

// RotateConfig is what a Rotator is built from.
type RotateConfig struct {
	// MaxSize of one file in bytes; not positive means no rotation.
	MaxSize int64
	// MaxFiles per container, the present one included; at least 2.
	MaxFiles int
	Workers  int
	Interval time.Duration
	Runtime  Runtime
	Clock    clock.WithTicker
}

// Rotator bounds the log files of running containers.
type Rotator struct{ cfg RotateConfig }

// NewRotator checks the settings.
func NewRotator(cfg RotateConfig) (*Rotator, error) {
	if cfg.MaxSize > 0 && cfg.MaxFiles <= 1 {
		return nil, fmt.Errorf("invalid container log max files %d, must be > 1", cfg.MaxFiles)
	}
	if cfg.Runtime == nil {
		return nil, errors.New("log rotation: Runtime is required")
	}
	cfg.Workers = max(cfg.Workers, 1)
	if cfg.Interval <= 0 {
		cfg.Interval = 10 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	return &Rotator{cfg: cfg}, nil
}

// Run looks at the sizes once every interval until ctx ends. Sizes cannot be watched: files that are written to all the time would
// wake us all the time.
func (r *Rotator) Run(ctx context.Context) error {
	if r.cfg.MaxSize <= 0 {
		<-ctx.Done()
		return nil
	}
	ticker := r.cfg.Clock.NewTicker(r.cfg.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
			if err := r.Rotate(ctx); err != nil && ctx.Err() == nil {
				klog.FromContext(ctx).Error(err, "Rotating container logs")
			}
		}
	}
}

// Rotate rotates every log that is too large.
func (r *Rotator) Rotate(ctx context.Context) error {
	running := &runtimeapi.ContainerFilter{State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING}}
	containers, err := r.cfg.Runtime.ListContainers(ctx, running)
	if err != nil {
		return fmt.Errorf("listing containers: %w", err)
	}
	var (
		group sync.WaitGroup
		slots = make(chan struct{}, r.cfg.Workers)
		mu    sync.Mutex
		errs  []error
	)
	for _, c := range containers {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if err := r.one(ctx, c.GetId()); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("container %s: %w", c.GetId(), err))
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (r *Rotator) one(ctx context.Context, id string) error {
	res, err := r.cfg.Runtime.ContainerStatus(ctx, id, false)
	if err != nil || res.GetStatus().GetState() != runtimeapi.ContainerState_CONTAINER_RUNNING {
		return nil // gone since it was listed
	}
	path := res.GetStatus().GetLogPath()
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		// An earlier rotation moved the file and died before the runtime opened a new one.
		return r.cfg.Runtime.ReopenContainerLog(ctx, id)
	}
	if err != nil {
		return err
	}
	if info.Size() < r.cfg.MaxSize {
		return nil
	}
	return r.rotate(ctx, id, path)
}

// rotate compresses what earlier rotations left, removes what is too many, and only then moves the present file away, so
// that a full disk fails before anything is lost.
func (r *Rotator) rotate(ctx context.Context, id, path string) error {
	old, err := rotated(path)
	if err != nil {
		return err
	}
	// The present file becomes one more, and a new one is opened.
	for len(old) > r.cfg.MaxFiles-2 {
		if err := os.Remove(old[0]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		old = old[1:]
	}
	for _, file := range old {
		if strings.HasSuffix(file, gzipSuffix) {
			continue
		}
		if err := compress(file); err != nil {
			return err
		}
	}
	aside := path + "." + r.cfg.Clock.Now().Format(stampFormat)
	if err := os.Rename(path, aside); err != nil {
		return fmt.Errorf("moving log: %w", err)
	}
	if err := r.cfg.Runtime.ReopenContainerLog(ctx, id); err != nil {
		return errors.Join(fmt.Errorf("reopening log: %w", err), os.Rename(aside, path))
	}
	return nil
}

// rotated lists earlier files of the log, oldest first, and removes halves of interrupted compressions.
func rotated(path string) ([]string, error) {
	all, err := filepath.Glob(path + ".*")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, file := range all {
		if strings.HasSuffix(file, tmpSuffix) {
			if err := os.Remove(file); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, file)
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Compare(strings.TrimSuffix(a, gzipSuffix), strings.TrimSuffix(b, gzipSuffix))
	})
	return out, nil
}

func compress(file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	tmp := file + tmpSuffix
	out, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, info.Mode())
	if err != nil {
		return err
	}
	w := gzip.NewWriter(out)
	_, copyErr := io.Copy(w, in)
	if err := errors.Join(copyErr, w.Close(), out.Close()); err != nil {
		return errors.Join(fmt.Errorf("compressing log: %w", err), os.Remove(tmp))
	}
	if err := os.Rename(tmp, file+gzipSuffix); err != nil {
		return err
	}
	return os.Remove(file)
}

// Remove removes all files of a container's log.
func Remove(path string) error {
	old, err := rotated(path)
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range append(old, path) {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
