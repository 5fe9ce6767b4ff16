package allinone

import (
	"context"
	"errors"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// restConfig is how the component with these credentials speaks to the API server: protobuf, and no
// limit of its own, as fairness is the server's.
func (a *assembly) restConfig(name string) (*rest.Config, error) {
	c, err := clientcmd.BuildConfigFromFlags("", a.paths.kubeconfig(name))
	if err != nil {
		return nil, err
	}
	c.ContentType = "application/vnd.kubernetes.protobuf"
	c.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	c.QPS = -1
	// They are for people who write manifests.
	c.WarningHandler = rest.NoWarnings{}
	c.UserAgent = "tiphys/" + a.cfg.Version + " " + name
	return c, nil
}

func (a *assembly) client(name string) (*kubernetes.Clientset, error) {
	c, err := a.restConfig(name)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(c)
}

// informersAs makes the factory, with the rights of an identity. Its informers run from the time
// somebody asks for them until this member is told to stop.
func (a *assembly) informersAs(identity string, direct *informer.Direct) build {
	return func(context.Context) (lifecycle.Runner, error) {
		client, err := a.client(identity)
		if err != nil {
			return nil, err
		}
		life, end := context.WithCancel(context.Background())
		a.informers = informer.New(informer.Config{Life: life, Client: client, Direct: direct})
		return lifecycle.RunnerFunc(func(ctx context.Context) error {
			<-ctx.Done()
			end()
			a.informers.Close()
			return ctx.Err()
		}), nil
	}
}

// watching builds a component with a view of its own for every run.
func (a *assembly) watching(make func(context.Context, *informer.View) (lifecycle.Runner, error)) build {
	return func(ctx context.Context) (lifecycle.Runner, error) {
		v := informer.NewView(a.informers)
		built := false
		defer func() {
			// After an error, or a panic.
			if !built {
				_ = v.End()
			}
		}()
		r, err := make(ctx, v)
		if err != nil {
			return nil, err
		}
		built = true
		return &watcher{Runner: r, view: v}, nil
	}
}

// watcher ends its view when the component has ended.
type watcher struct {
	lifecycle.Runner
	view *informer.View
}

// Ready is the component's, or at once.
func (w *watcher) Ready() <-chan struct{} {
	if r, ok := w.Runner.(lifecycle.Readier); ok {
		return r.Ready()
	}
	return closed()
}

// Run runs the component.
func (w *watcher) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, w.view.End()) }()
	return w.Runner.Run(ctx)
}
