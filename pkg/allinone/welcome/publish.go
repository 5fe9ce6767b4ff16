package welcome

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"

	"golang.org/x/sync/errgroup"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	kubeproxy "k8s.io/kube-proxy/config/v1alpha1"
	kubelet "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"
)

// Names and keys of the published ConfigMaps in kube-system. They are kubeadm's.
const (
	KubeletMap = "kubelet-config"
	KubeletKey = "kubelet"
	ProxyMap   = "kube-proxy"
	ProxyKey   = "config.conf"
)

// Facts are what machines that join are told.
type Facts struct {
	// Server is the API server's URL, CA its authority (PEM).
	Server string
	CA     []byte
	// Kubelet and Proxy are the configurations of all nodes: without what each machine knows best.
	Kubelet *kubelet.KubeletConfiguration
	Proxy   *kubeproxy.KubeProxyConfiguration
}

// written marks what we wrote ourselves: what a person has changed since is left.
const written = "tiphys.dev/as-written"

// Publish brings the published objects up to date, all at once: none needs another.
func Publish(ctx context.Context, client kubernetes.Interface, facts Facts) error {
	info, err := clusterInfo(facts)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return write(ctx, client, metav1.NamespacePublic, bootstrapapi.ConfigMapClusterInfo, bootstrapapi.KubeConfigKey, info)
	})
	for _, m := range []struct {
		name, key string
		content   any
	}{{KubeletMap, KubeletKey, facts.Kubelet}, {ProxyMap, ProxyKey, facts.Proxy}} {
		group.Go(func() error {
			content, err := yaml.Marshal(m.content)
			if err != nil {
				return fmt.Errorf("encoding %s: %w", m.name, err)
			}
			return write(ctx, client, metav1.NamespaceSystem, m.name, m.key, string(content))
		})
	}
	for _, object := range rights() {
		group.Go(func() error { return grant(ctx, client, object) })
	}
	return group.Wait()
}

// clusterInfo is a kubeconfig with nothing but the cluster, the form kubeadm gives it.
func clusterInfo(facts Facts) (string, error) {
	c := clientcmdapi.NewConfig()
	c.Clusters[""] = &clientcmdapi.Cluster{Server: facts.Server, CertificateAuthorityData: facts.CA}
	content, err := clientcmd.Write(*c)
	if err != nil {
		return "", fmt.Errorf("encoding the cluster's information: %w", err)
	}
	return string(content), nil
}

// write creates a ConfigMap, or brings its one key up to date if nobody else has changed it. Other
// keys (signatures) are others' business.
func write(ctx context.Context, client kubernetes.Interface, namespace, name, key, content string) error {
	configMaps := client.CoreV1().ConfigMaps(namespace)
	have, err := configMaps.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = configMaps.Create(ctx, &v1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Annotations: map[string]string{written: sum(content)}},
			Data:       map[string]string{key: content},
		}, metav1.CreateOptions{FieldManager: "tiphys"})
	} else if err == nil && have.Data[key] != content && have.Annotations[written] == sum(have.Data[key]) {
		have = have.DeepCopy()
		have.Data = maps.Clone(have.Data)
		have.Data[key], have.Annotations[written] = content, sum(content)
		_, err = configMaps.Update(ctx, have, metav1.UpdateOptions{FieldManager: "tiphys"})
	}
	if err != nil {
		return fmt.Errorf("publishing %s/%s: %w", namespace, name, err)
	}
	return nil
}

func sum(content string) string {
	s := sha256.Sum256([]byte(content))
	return hex.EncodeToString(s[:])
}

// grant creates a right that is absent. One that is there may have been changed, and is left.
func grant(ctx context.Context, client kubernetes.Interface, object runtime.Object) error {
	err := create(ctx, client, object)
	if err == nil || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return fmt.Errorf("granting joining machines their rights: %w", err)
}

// create is typed, so that an object of another kind does not compile away.
func create(ctx context.Context, client kubernetes.Interface, object runtime.Object) error {
	options := metav1.CreateOptions{FieldManager: "tiphys"}
	rbac := client.RbacV1()
	var err error
	switch o := object.(type) {
	case *role:
		_, err = rbac.Roles(o.Namespace).Create(ctx, o, options)
	case *roleBinding:
		_, err = rbac.RoleBindings(o.Namespace).Create(ctx, o, options)
	case *clusterRole:
		_, err = rbac.ClusterRoles().Create(ctx, o, options)
	case *clusterRoleBinding:
		_, err = rbac.ClusterRoleBindings().Create(ctx, o, options)
	default:
		err = fmt.Errorf("%T is no role and no binding", object)
	}
	return err
}
