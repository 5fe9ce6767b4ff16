package logs

import (
	"context"
	"io"
	"time"

	v1 "k8s.io/api/core/v1"
	internalapi "k8s.io/cri-api/pkg/apis"
	crilogs "k8s.io/cri-client/pkg/logs"
)

// Options turns a user's wishes into what the reader takes. sinceTime wins over sinceSeconds.
func Options(opts *v1.PodLogOptions, now time.Time) *crilogs.LogOptions {
	out := &crilogs.LogOptions{TailLines: opts.TailLines, LimitBytes: opts.LimitBytes, Follow: opts.Follow, Timestamp: opts.Timestamps}
	if opts.SinceSeconds != nil {
		out.Since = now.Add(-time.Duration(*opts.SinceSeconds) * time.Second)
	}
	if opts.SinceTime != nil {
		out.Since = opts.SinceTime.Time
	}
	return out
}

// Read copies the log of a container to stdout and stderr. With Follow it returns when the container has ended or ctx does.
func Read(ctx context.Context, path, containerID string, opts *v1.PodLogOptions, now time.Time, runtime internalapi.RuntimeService, stdout, stderr io.Writer) error {
	if opts.LimitBytes == nil {
		return crilogs.ReadLogs(ctx, path, containerID, Options(opts, now), runtime, stdout, stderr)
	}
	// The reader counts each stream for itself; a user's limit is on what he gets.
	limit := &limited{left: *opts.LimitBytes}
	err := crilogs.ReadLogs(ctx, path, containerID, Options(opts, now), runtime, limit.wrap(stdout), limit.wrap(stderr))
	if limit.done {
		return nil
	}
	return err
}

type limited struct {
	left int64
	done bool
}

func (l *limited) wrap(w io.Writer) io.Writer {
	if w == nil {
		return nil
	}
	return writerFunc(func(p []byte) (int, error) {
		n := min(int64(len(p)), l.left)
		l.left -= n
		if _, err := w.Write(p[:n]); err != nil {
			return 0, err
		}
		if n < int64(len(p)) {
			l.done = true
			return int(n), io.ErrShortWrite
		}
		return len(p), nil
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
