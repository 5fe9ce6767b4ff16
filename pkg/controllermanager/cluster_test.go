package controllermanager

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/controller-manager/pkg/clientbuilder"

	"tiphys.dev/tiphys/test/peer"
)

// cluster is upstream's API server with this package's controllers, each under its own service account, and two nodes whose
// kubelet is played by playNode.
type cluster struct {
	*testing.T
	admin  kubernetes.Interface
	config *rest.Config
}

const (
	patience = 30 * time.Second
	tick     = 20 * time.Millisecond
)

// start runs all controllers that are built. Settings may be changed first.
func start(t *testing.T, change func(*Settings)) *cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("starts etcd and kube-apiserver")
	}
	if _, err := os.Stat(peer.DefaultBinDir() + "/kube-apiserver"); err != nil {
		t.Skip("upstream's binaries are not built: hack/build-upstream.sh")
	}
	p := peer.Start(t, peer.Config{UnsafeNoFsync: true})
	c := &cluster{T: t, config: unlimited(p.RESTConfig(peer.Admin))}
	var err error
	if c.admin, err = kubernetes.NewForConfig(c.config); err != nil {
		t.Fatal(err)
	}
	base := unlimited(p.RESTConfig(peer.ControllerManager))
	if err := rest.LoadTLSFiles(base); err != nil {
		t.Fatal(err)
	}
	root, err := kubernetes.NewForConfig(base)
	if err != nil {
		t.Fatal(err)
	}
	each := ClientsFrom(clientbuilder.NewDynamicClientBuilder(rest.AnonymousClientConfig(base), root.CoreV1(), "kube-system"))
	clients := Clients{REST: each.REST, Kubernetes: func(name string) (kubernetes.Interface, error) {
		if name == "shared-informers" {
			return root, nil
		}
		return each.Kubernetes(name)
	}}
	settings := DefaultSettings()
	settings.Generic.Controllers = append(settings.Generic.Controllers, OffByDefault()...)
	settings.SAController.ServiceAccountKeyFile, settings.SAController.RootCAFile = p.PKIDir()+"/sa.key", p.PKIDir()+"/ca.crt"
	settings.CSRSigningController.ClusterSigningCertFile, settings.CSRSigningController.ClusterSigningKeyFile = p.PKIDir()+"/ca.crt", p.PKIDir()+"/ca.key"
	if change != nil {
		change(settings)
	}
	c.run(Config{Clients: clients, Settings: settings, RootCA: base.CAData})
	return c
}

// run runs the manager and a node until the test ends.
func (c *cluster) run(cfg Config) {
	c.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	c.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	m, err := New(cfg)
	if err != nil {
		c.Fatal(err)
	}
	wg.Go(func() {
		if err := m.Run(ctx); err != nil {
			c.Errorf("manager: %v", err)
		}
	})
	wg.Go(func() { c.playNode(ctx, "node-1") })
	select {
	case <-m.Ready():
	case <-time.After(patience):
		c.Fatal("the controllers are not ready")
	}
}

// playNode registers a node, binds pods to it, lets them run, and ends those that are deleted.
func (c *cluster) playNode(ctx context.Context, name string) {
	c.makeNode(ctx, name)
	factory := informers.NewSharedInformerFactory(c.admin, 0)
	informer := factory.Core().V1().Pods().Informer()
	act := func(o any) {
		if p, ok := o.(*v1.Pod); ok {
			c.playPod(ctx, p, name)
		}
	}
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: act, UpdateFunc: func(_, o any) { act(o) }})
	factory.StartWithContext(ctx)
	renew := time.NewTicker(time.Second)
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			factory.Shutdown()
			return
		case <-renew.C:
			c.renew(ctx, name)
		}
	}
}

func (c *cluster) makeNode(ctx context.Context, name string) {
	n := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1.LabelHostname: name}}}
	if _, err := c.admin.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		c.Errorf("node: %v", err)
	}
	ready := fmt.Sprintf(`{"status":{"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady","lastHeartbeatTime":%q,"lastTransitionTime":%q}]}}`,
		time.Now().UTC().Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339))
	if _, err := c.admin.CoreV1().Nodes().Patch(ctx, name, types.StrategicMergePatchType, []byte(ready), metav1.PatchOptions{}, "status"); err != nil {
		c.Errorf("node status: %v", err)
	}
}

func (c *cluster) renew(ctx context.Context, name string) {
	now := metav1.NowMicro()
	leases := c.admin.CoordinationV1().Leases(v1.NamespaceNodeLease)
	l, err := leases.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, _ = leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: coordinationv1.LeaseSpec{RenewTime: &now, HolderIdentity: &name}}, metav1.CreateOptions{})
	} else if err == nil {
		l.Spec.RenewTime = &now
		_, _ = leases.Update(ctx, l, metav1.UpdateOptions{})
	}
}

func (c *cluster) playPod(ctx context.Context, p *v1.Pod, node string) {
	pods := c.admin.CoreV1().Pods(p.Namespace)
	switch {
	case p.DeletionTimestamp != nil && len(p.Finalizers) == 0 && (p.Spec.NodeName == node || p.Spec.NodeName == ""):
		zero := int64(0)
		_ = pods.Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &zero})
	case p.Spec.NodeName == "" && p.DeletionTimestamp == nil:
		_ = pods.Bind(ctx, &v1.Binding{ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace}, Target: v1.ObjectReference{Kind: "Node", Name: node}}, metav1.CreateOptions{})
	case p.Spec.NodeName == node && p.Status.Phase == v1.PodPending && p.Labels["stuck"] == "":
		ip := fmt.Sprintf("10.1.%d.%d", p.UID[0], p.UID[1])
		status := fmt.Sprintf(`{"status":{"phase":"Running","podIP":%q,"podIPs":[{"ip":%q}],"conditions":[{"type":"Ready","status":"True","lastTransitionTime":%q}]}}`,
			ip, ip, time.Now().UTC().Format(time.RFC3339))
		_, _ = pods.Patch(ctx, p.Name, types.StrategicMergePatchType, []byte(status), metav1.PatchOptions{}, "status")
	}
}

// eventually waits until the question is answered with "", and fails with the last answer.
func (c *cluster) eventually(what string, question func() string) {
	c.Helper()
	var last string
	err := wait.PollUntilContextTimeout(c.Context(), tick, patience, true, func(context.Context) (bool, error) {
		last = question()
		return last == "", nil
	})
	if err != nil {
		c.Fatalf("%s: %s", what, last)
	}
}

func (c *cluster) namespace(name string) string {
	c.Helper()
	_, err := c.admin.CoreV1().Namespaces().Create(c.Context(), &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	c.must(err)
	c.eventually("default service account", func() string {
		_, err := c.admin.CoreV1().ServiceAccounts(name).Get(c.Context(), "default", metav1.GetOptions{})
		return text(err)
	})
	return name
}

func (c *cluster) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func text(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// in runs a part of the test on the same cluster.
func (c *cluster) in(name string, f func(c *cluster)) {
	c.Run(name, func(t *testing.T) { f(&cluster{T: t, admin: c.admin, config: c.config}) })
}

func template(app string) v1.PodTemplateSpec {
	return v1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}},
		Spec:       v1.PodSpec{Containers: []v1.Container{{Name: "c", Image: "image:1"}}},
	}
}

func selector(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

func (c *cluster) pods(ns, labels string) []v1.Pod {
	c.Helper()
	l, err := c.admin.CoreV1().Pods(ns).List(c.Context(), metav1.ListOptions{LabelSelector: labels})
	c.must(err)
	return l.Items
}

func (c *cluster) podCount(ns, labels string, want int) {
	c.Helper()
	c.eventually("pods "+labels, func() string {
		var names []string
		for _, p := range c.pods(ns, labels) {
			names = append(names, p.Name)
		}
		if len(names) != want {
			return fmt.Sprintf("%d pods (%s), want %d", len(names), strings.Join(names, " "), want)
		}
		return ""
	})
}
