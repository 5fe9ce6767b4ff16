package allinone

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	typedv1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"

	"tiphys.dev/tiphys/pkg/allinone/podnetwork"
	"tiphys.dev/tiphys/pkg/api/scheme"
	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// podNetworkAs builds the room that routes to other nodes' pods; its events are written with the
// rights of the named credential.
func (a *assembly) podNetworkAs(name string) func(context.Context, *informer.View) (lifecycle.Runner, error) {
	return func(_ context.Context, informers *informer.View) (lifecycle.Runner, error) {
		client, err := a.client(name)
		if err != nil {
			return nil, err
		}
		events := record.NewBroadcaster()
		network, err := podnetwork.New(podnetwork.Config{
			NodeName: a.cfg.NodeName, Nodes: informers.Core().V1().Nodes(), CNI: a.network(),
			Events: events.NewRecorder(scheme.Scheme, v1.EventSource{Component: "tiphys", Host: a.cfg.NodeName}),
		})
		if err != nil {
			return nil, fmt.Errorf("pod network: %w", err)
		}
		informers.Start(nil)
		return lifecycle.RunnerFunc(func(ctx context.Context) error {
			events.StartRecordingToSink(&typedv1.EventSinkImpl{Interface: client.CoreV1().Events("")})
			defer events.Shutdown()
			return network.Run(ctx)
		}), nil
	}
}
