package allinone

import (
	"context"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"tiphys.dev/tiphys/pkg/allinone/addons"
	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

func (a *assembly) buildAddons(context.Context) (lifecycle.Runner, error) {
	config, err := clientcmd.BuildConfigFromFlags("", a.paths.kubeconfig(pki.Admin))
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return lifecycle.RunnerFunc(func(ctx context.Context) error {
		return addons.Apply(ctx, client, addons.Config{
			DNS: a.cfg.ClusterDNS.String(), Domain: a.cfg.ClusterDomain, Image: addons.CoreDNSImage,
		})
	}), nil
}
