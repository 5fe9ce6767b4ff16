package allinone

import (
	"os"
	"sync"

	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/allinone/status"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// teller says in the log and in the status file how the components are doing.
type teller struct {
	dataDir string
	onReady func()

	mu     sync.Mutex
	status status.Status
}

func newTeller(cfg Config) (*teller, error) {
	if cfg.OnReady == nil {
		cfg.OnReady = func() {}
	}
	began, err := status.StartTime(os.Getpid())
	if err != nil {
		return nil, err
	}
	t := &teller{dataDir: cfg.DataDir, onReady: sync.OnceFunc(cfg.OnReady), status: status.Status{
		PID: os.Getpid(), StartTime: began, Version: cfg.Version, Server: cfg.Server(),
	}}
	t.write()
	return t, nil
}

// expect lists the members before they start, in their order.
func (t *teller) expect(members []lifecycle.Member) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range members {
		t.status.Components = append(t.status.Components, status.Component{Name: m.Name, Phase: string(lifecycle.Waiting)})
	}
	t.write()
}

// tell takes an event of lifecycle.
func (t *teller) tell(e lifecycle.Event) {
	switch e.Phase {
	case lifecycle.Failed:
		klog.ErrorS(e.Err, "Component failed", "component", e.Member, "restarts", e.Restarts, "nextTry", e.Delay)
	case lifecycle.Ready, lifecycle.Done:
		klog.InfoS("Component is ready", "component", e.Member, "took", e.Took, "restarts", e.Restarts)
	case lifecycle.Stopped:
		if e.Err != nil {
			klog.ErrorS(e.Err, "Component stopped", "component", e.Member)
		} else {
			klog.InfoS("Component stopped", "component", e.Member)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ready := true
	for i := range t.status.Components {
		c := &t.status.Components[i]
		if c.Name == e.Member {
			c.Phase, c.Restarts, c.Took = string(e.Phase), e.Restarts, e.Took
			c.Error = ""
			if e.Err != nil {
				c.Error = e.Err.Error()
			}
		}
		ready = ready && (c.Phase == string(lifecycle.Ready) || c.Phase == string(lifecycle.Done))
	}
	t.status.Ready = ready
	t.write()
	if ready {
		t.onReady()
	}
}

// giveUp notes why the server ends.
func (t *teller) giveUp(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status.Ready, t.status.Error = false, err.Error()
	t.write()
}

// stopped notes an ordered end.
func (t *teller) stopped() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status.Ready = false
	t.write()
}

// write must not stop the cluster: on a full disk the file is old, and the log says why.
func (t *teller) write() {
	if err := status.Write(t.dataDir, t.status); err != nil {
		klog.ErrorS(err, "The status file could not be written")
	}
}
