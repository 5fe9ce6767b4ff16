package allinone

import (
	"context"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	"k8s.io/controller-manager/pkg/clientbuilder"

	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/componentserver"
	"tiphys.dev/tiphys/pkg/controllermanager"
	"tiphys.dev/tiphys/pkg/informer"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

func (a *assembly) buildControllerManager(_ context.Context, informers *informer.View) (lifecycle.Runner, error) {
	config, err := a.restConfig(pki.ControllerManager)
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(a.pki.Cert("ca"))
	if err != nil {
		return nil, err
	}
	settings := controllermanager.DefaultSettings()
	settings.Generic.LeaderElection.LeaderElect = new(bool)
	// Machines join with tokens: see package welcome.
	settings.Generic.Controllers = []string{"*", "bootstrap-signer-controller", "token-cleaner-controller"}
	settings.KubeCloudShared.AllocateNodeCIDRs = true
	settings.KubeCloudShared.ClusterCIDR = a.cfg.ClusterCIDR.String()
	settings.NodeIPAMController.ServiceCIDR = a.cfg.ServiceCIDR.String()
	settings.SAController.ServiceAccountKeyFile = a.pki.ServiceAccountKey()
	settings.SAController.RootCAFile = a.pki.Cert("ca")
	settings.CSRSigningController.ClusterSigningCertFile = a.pki.Cert("ca")
	settings.CSRSigningController.ClusterSigningKeyFile = a.pki.Key("ca")
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	// Each controller acts under its own service account, so that it has only its own rights.
	// Watches that all share are made with the identity of the process.
	accounts := controllermanager.ClientsFrom(clientbuilder.NewDynamicClientBuilder(
		restclient.AnonymousClientConfig(config), client.CoreV1(), metav1.NamespaceSystem))
	clients := controllermanager.Clients{REST: accounts.REST, Kubernetes: func(name string) (kubernetes.Interface, error) {
		if name == "shared-informers" {
			return client, nil
		}
		return accounts.Kubernetes(name)
	}}
	manager, err := controllermanager.New(controllermanager.Config{
		Clients:        clients,
		Informers:      informers,
		StartInformers: func() { informers.Start(nil) },
		Shared:         a.informers.ReadsDirectly,
		Settings:       settings,
		RootCA:         ca,
	})
	if err != nil {
		return nil, err
	}
	endpoint, err := a.endpoint(componentserver.Config{
		Name:    controllerManagerName,
		Configz: map[string]any{"kubecontrollermanager.config.k8s.io": settings},
	}, 10257, a.paths.kubeconfig(pki.ControllerManager), manager.Registry())
	if err != nil {
		return nil, err
	}
	return together{component: manager, endpoint: endpoint, ready: manager.Ready()}, nil
}
