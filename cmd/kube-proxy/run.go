package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	nodeutil "k8s.io/component-helpers/node/util"
	"k8s.io/klog/v2"
	proxyconfig "k8s.io/kube-proxy/config/v1alpha1"

	"tiphys.dev/tiphys/pkg/proxy"
	"tiphys.dev/tiphys/pkg/proxy/conntrack"
)

func run(ctx context.Context, c *proxyconfig.KubeProxyConfiguration, o *options) error {
	logger := klog.FromContext(ctx)
	if o.initOnly {
		return conntrack.Sysctls(conntrack.Root, &c.Conntrack)
	}
	if c.OOMScoreAdj != nil {
		if err := os.WriteFile("/proc/self/oom_score_adj", []byte(strconv.Itoa(int(*c.OOMScoreAdj))), 0); err != nil {
			logger.Info("oom_score_adj was left as it is", "reason", err.Error())
		}
	}
	nodeName, err := nodeutil.GetHostname(c.HostnameOverride)
	if err != nil {
		return fmt.Errorf("finding the node's name: %w", err)
	}
	client, err := newClient(c, o.master)
	if err != nil {
		return err
	}

	strip := informers.WithTransform(withoutManagedFields)
	resync := c.ConfigSyncPeriod.Duration
	forProxy := informers.NewSharedInformerFactoryWithOptions(client, resync, strip,
		informers.WithTweakListOptions(func(l *metav1.ListOptions) { l.LabelSelector = proxy.Selector }))
	ownNode := informers.NewSharedInformerFactoryWithOptions(client, resync, strip,
		informers.WithTweakListOptions(func(l *metav1.ListOptions) {
			l.FieldSelector = fields.OneTermEqualSelector("metadata.name", nodeName).String()
		}))
	all := informers.NewSharedInformerFactoryWithOptions(client, resync, strip)

	p, err := proxy.New(proxy.Config{
		Configuration:  c,
		NodeName:       nodeName,
		Services:       forProxy.Core().V1().Services(),
		EndpointSlices: forProxy.Discovery().V1().EndpointSlices(),
		Nodes:          ownNode.Core().V1().Nodes(),
		ServiceCIDRs:   all.Networking().V1().ServiceCIDRs(),
		SysctlRoot:     conntrack.Root,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	factories := []informers.SharedInformerFactory{forProxy, ownNode, all}
	for _, f := range factories {
		f.Start(ctx.Done())
	}
	logger.Info("Starting kube-proxy", "node", nodeName, "api", client.RESTClient().Get().URL().Host)
	go func() {
		select {
		case <-p.Ready():
			// The first load needs far more memory than what follows; the node can have it back.
			debug.FreeOSMemory()
		case <-ctx.Done():
		}
	}()
	err = p.Run(ctx)
	cancel() // the factories wait for it
	for _, f := range factories {
		f.Shutdown()
	}
	return err
}

// withoutManagedFields drops what is of no use here and makes up much of an object.
func withoutManagedFields(obj any) (any, error) {
	if m, err := meta.Accessor(obj); err == nil {
		m.SetManagedFields(nil)
	}
	return obj, nil
}

func newClient(c *proxyconfig.KubeProxyConfiguration, master string) (*kubernetes.Clientset, error) {
	cc := c.ClientConnection
	var rc *rest.Config
	var err error
	if cc.Kubeconfig == "" && master == "" {
		if rc, err = rest.InClusterConfig(); err != nil {
			return nil, fmt.Errorf("no --kubeconfig, and not in a pod: %w", err)
		}
	} else {
		rc, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			&clientcmd.ClientConfigLoadingRules{ExplicitPath: cc.Kubeconfig},
			&clientcmd.ConfigOverrides{ClusterInfo: clientcmdapi.Cluster{Server: master}}).ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("reading kubeconfig: %w", err)
		}
	}
	rc.AcceptContentTypes = cc.AcceptContentTypes
	rc.ContentType = cc.ContentType
	rc.QPS = cc.QPS
	rc.Burst = int(cc.Burst)
	rc.UserAgent = "kube-proxy"
	client, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return nil, fmt.Errorf("making an API client: %w", err)
	}
	return client, nil
}
