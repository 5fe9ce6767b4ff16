package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxOutput is how much of an answer is kept.
const maxOutput = 10 * 1024

func (w *worker) exec(ctx context.Context, command []string, timeout time.Duration) (answer, error) {
	// The runtime gets the timeout and ends the command itself; our own context must outlive that to hear of it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout+10*time.Second)
	defer cancel()
	stdout, stderr, err := w.m.cfg.Exec(ctx, w.container.ID, expand(command, w.spec), timeout)
	text := truncate(append(stdout, stderr...))
	if err == nil {
		return answer{outcome: Success, text: text}, nil
	}
	var exit interface{ ExitStatus() int }
	if errors.As(err, &exit) {
		if exit.ExitStatus() == 0 {
			return answer{outcome: Success, text: text}, nil
		}
		return answer{outcome: Failure, text: text}, nil
	}
	if errors.Is(err, context.DeadlineExceeded) || status.Code(err) == codes.DeadlineExceeded {
		return answer{outcome: Failure, text: fmt.Sprintf("command timed out: %q timed out after %v", command, timeout)}, nil
	}
	return answer{}, err
}

func truncate(data []byte) string {
	return string(data[:min(len(data), maxOutput)])
}
