package bootstrap

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

// Trust is what an aggregated API server must know to verify users on the word of this one.
type Trust struct {
	ClientCA, RequestHeaderCA                                                    dynamiccertificates.CAContentProvider
	AllowedNames, UsernameHeaders, UIDHeaders, GroupHeaders, ExtraHeaderPrefixes []string
}

const (
	trustNamespace = metav1.NamespaceSystem
	trustName      = "extension-apiserver-authentication"
)

// AuthenticationInfo writes the trust into the ConfigMap where aggregated API servers look for it, at the start and whenever
// a CA bundle changes, until ctx ends. CA certificates that others put there stay: several servers may have different ones.
func AuthenticationInfo(ctx context.Context, client kubernetes.Interface, t Trust) {
	changed := make(chan struct{}, 1)
	changed <- struct{}{}
	for _, ca := range []dynamiccertificates.CAContentProvider{t.ClientCA, t.RequestHeaderCA} {
		if ca != nil {
			ca.AddListener(listener(changed))
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		if err := retryUntil(ctx, func() error { return writeTrust(ctx, client, t) }); err != nil {
			klog.ErrorS(err, "Publishing the trust of aggregated API servers")
		}
	}
}

// listener turns the callbacks of a CA bundle into a signal that never blocks.
type listener chan struct{}

func (l listener) Enqueue() {
	select {
	case l <- struct{}{}:
	default:
	}
}

func writeTrust(ctx context.Context, client kubernetes.Interface, t Trust) error {
	configMaps := client.CoreV1().ConfigMaps(trustNamespace)
	got, err := configMaps.Get(ctx, trustName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		data, err := t.data(nil)
		if err != nil {
			return err
		}
		_, err = configMaps.Create(ctx, &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: trustName, Namespace: trustNamespace}, Data: data}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	data, err := t.data(got.Data)
	if err != nil {
		return err
	}
	if maps.Equal(data, got.Data) {
		return nil
	}
	now := got.DeepCopy()
	now.Data = data
	_, err = configMaps.Update(ctx, now, metav1.UpdateOptions{})
	return err
}

func (t Trust) data(old map[string]string) (map[string]string, error) {
	out := map[string]string{}
	maps.Copy(out, old)
	if t.ClientCA != nil {
		out["client-ca-file"] = join(old["client-ca-file"], t.ClientCA.CurrentCABundleContent())
	}
	if t.RequestHeaderCA == nil {
		return out, nil
	}
	out["requestheader-client-ca-file"] = join(old["requestheader-client-ca-file"], t.RequestHeaderCA.CurrentCABundleContent())
	lists := map[string][]string{
		"requestheader-allowed-names": t.AllowedNames, "requestheader-username-headers": t.UsernameHeaders,
		"requestheader-group-headers": t.GroupHeaders, "requestheader-extra-headers-prefix": t.ExtraHeaderPrefixes,
	}
	if len(t.UIDHeaders) > 0 {
		lists["requestheader-uid-headers"] = t.UIDHeaders
	}
	for key, list := range lists {
		if list == nil {
			list = []string{}
		}
		text, err := json.Marshal(list)
		if err != nil {
			return nil, err
		}
		out[key] = string(text)
	}
	return out, nil
}

// join adds the bundle to what stands there already.
func join(old string, bundle []byte) string {
	bundle = bytes.TrimSpace(bundle)
	if bytes.Contains([]byte(old), bundle) {
		return old
	}
	if old == "" {
		return string(bundle) + "\n"
	}
	return old + string(bundle) + "\n"
}
