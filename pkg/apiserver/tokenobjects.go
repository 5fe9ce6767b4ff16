package apiserver

import (
	"context"
	"encoding/json"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"tiphys.dev/tiphys/pkg/apiserver/authn/bootstraptoken"
	"tiphys.dev/tiphys/pkg/apiserver/authn/serviceaccount"
)

// tokenObjects looks up what tokens are bound to: first in the caches, and in the store when a cache does not have it, since
// a token may be used before the watch has brought its pod.
type tokenObjects struct {
	informers informers.SharedInformerFactory
	client    kubernetes.Interface

	accounts corelisters.ServiceAccountLister
	pods     corelisters.PodLister
	nodes    corelisters.NodeLister
}

var _ serviceaccount.Objects = &tokenObjects{}

func (t *tokenObjects) register() {
	core := t.informers.Core().V1()
	t.accounts, t.pods, t.nodes = core.ServiceAccounts().Lister(), core.Pods().Lister(), core.Nodes().Lister()
	// The factory starts only the informers that somebody asked for.
	core.ServiceAccounts().Informer()
	core.Pods().Informer()
	core.Nodes().Informer()
}

// lookup limits how long a request waits for the store.
const lookup = 5 * time.Second

func fallback[T any](cached T, err error, get func(context.Context) (T, error)) (T, error) {
	if !apierrors.IsNotFound(err) {
		return cached, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookup)
	defer cancel()
	return get(ctx)
}

func (t *tokenObjects) ServiceAccount(namespace, name string) (*v1.ServiceAccount, error) {
	o, err := t.accounts.ServiceAccounts(namespace).Get(name)
	return fallback(o, err, func(ctx context.Context) (*v1.ServiceAccount, error) {
		return t.client.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
	})
}

func (t *tokenObjects) Pod(namespace, name string) (*v1.Pod, error) {
	o, err := t.pods.Pods(namespace).Get(name)
	return fallback(o, err, func(ctx context.Context) (*v1.Pod, error) {
		return t.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	})
}

// Secret is not cached: a copy of every secret in memory would be a high price for the few legacy tokens.
func (t *tokenObjects) Secret(namespace, name string) (*v1.Secret, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookup)
	defer cancel()
	return t.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
}

func (t *tokenObjects) Node(name string) (*v1.Node, error) {
	o, err := t.nodes.Get(name)
	return fallback(o, err, func(ctx context.Context) (*v1.Node, error) {
		return t.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	})
}

// LabelSecret patches with the UID as a condition: a secret of the same name that was made since is another.
func (t *tokenObjects) LabelSecret(ctx context.Context, secret *v1.Secret, key, value string) error {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": secret.UID, "labels": map[string]string{key: value}}})
	if err != nil {
		return err
	}
	_, err = t.client.CoreV1().Secrets(secret.Namespace).Patch(ctx, secret.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// systemSecrets finds bootstrap tokens.
func (t *tokenObjects) systemSecrets() bootstraptoken.Secrets { return systemSecrets{t} }

type systemSecrets struct{ t *tokenObjects }

func (s systemSecrets) Get(name string) (*v1.Secret, error) {
	return s.t.Secret(metav1.NamespaceSystem, name)
}
