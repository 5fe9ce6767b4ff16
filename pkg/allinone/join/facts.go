package join

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	kubeproxy "k8s.io/kube-proxy/config/v1alpha1"
	kubelet "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
	"tiphys.dev/tiphys/pkg/allinone/welcome"
)

// Facts are how all nodes of the cluster are configured.
type Facts struct {
	Kubelet *kubelet.KubeletConfiguration
	Proxy   *kubeproxy.KubeProxyConfiguration
}

// Facts reads the published configurations; the ones from before, when the server does not answer.
func (m *Membership) Facts(ctx context.Context) (Facts, error) {
	facts := Facts{Kubelet: &kubelet.KubeletConfiguration{}, Proxy: &kubeproxy.KubeProxyConfiguration{}}
	for _, f := range []struct {
		name, key string
		into      any
	}{{welcome.KubeletMap, welcome.KubeletKey, facts.Kubelet}, {welcome.ProxyMap, welcome.ProxyKey, facts.Proxy}} {
		content, err := m.fact(ctx, f.name, f.key)
		if err != nil {
			return Facts{}, err
		}
		if err := yaml.UnmarshalStrict(content, f.into); err != nil {
			return Facts{}, fmt.Errorf("the configuration that the cluster publishes in kube-system/%s is wrong: %w", f.name, err)
		}
	}
	return facts, nil
}

func (m *Membership) fact(ctx context.Context, name, key string) ([]byte, error) {
	kept := filepath.Join(m.cfg.Dir, name+".yaml")
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	found, err := m.client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, name, getOptions)
	if err == nil {
		content := []byte(found.Data[key])
		return content, atomicfile.Write(kept, content, 0o644)
	}
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return nil, fmt.Errorf("the cluster at %s does not publish kube-system/%s for its nodes: is its server made by tiphys, of this version? (%w)", m.cfg.Server, name, err)
	}
	content, readErr := os.ReadFile(kept)
	if errors.Is(readErr, os.ErrNotExist) {
		return nil, explain(err, m.cfg.Server, m.cfg.Now())
	}
	klog.InfoS("The server does not answer; the node starts with the configuration it had", "server", m.cfg.Server, "configuration", name, "reason", err.Error())
	return content, readErr
}
