package allinone

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// sharedInformers is the one factory of the process. Components start what they asked for, but its
// informers live as long as the process wants them: one that ended with a component's run could
// not be used by the next run, nor by the others.
type sharedInformers struct {
	informers.SharedInformerFactory
	life context.Context
}

func newSharedInformers(life context.Context, client kubernetes.Interface) sharedInformers {
	return sharedInformers{life: life, SharedInformerFactory: informers.NewSharedInformerFactoryWithOptions(
		client, 0, informers.WithTransform(withoutManagedFields))}
}

// Start starts what was asked for since, for the life of the process.
func (s sharedInformers) Start(<-chan struct{}) { s.SharedInformerFactory.StartWithContext(s.life) }

// StartWithContext does the same.
func (s sharedInformers) StartWithContext(context.Context) {
	s.SharedInformerFactory.StartWithContext(s.life)
}

// Shutdown does nothing: only the process ends the informers, by close.
func (s sharedInformers) Shutdown() {}

// close waits until all informers have ended, after life has.
func (s sharedInformers) close() { s.SharedInformerFactory.Shutdown() }

// withoutManagedFields drops what no component reads and what makes up much of an object.
func withoutManagedFields(object any) (any, error) {
	if m, err := meta.Accessor(object); err == nil {
		m.SetManagedFields(nil)
	}
	return object, nil
}

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

// buildInformers makes the factory, with the rights to read everything. Its informers run from the
// time somebody asks for them until this member is told to stop.
func (a *assembly) buildInformers(context.Context) (lifecycle.Runner, error) {
	client, err := a.client(pki.Admin)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	a.informers = newSharedInformers(life, client)
	return lifecycle.RunnerFunc(func(ctx context.Context) error {
		<-ctx.Done()
		end()
		a.informers.close()
		return ctx.Err()
	}), nil
}
