package bootstrap

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// Namespaces are the namespaces that every cluster has.
var Namespaces = []string{metav1.NamespaceSystem, metav1.NamespacePublic, v1.NamespaceNodeLease, metav1.NamespaceDefault}

// SystemNamespaces creates the namespaces that every cluster has, and creates again those that somebody deletes, until ctx ends.
// It returns once all are there.
func SystemNamespaces(ctx context.Context, client kubernetes.Interface, namespaces coreinformers.NamespaceInformer) error {
	if err := retryUntil(ctx, func() error { return ensureNamespaces(ctx, client) }); err != nil {
		return fmt.Errorf("creating the system namespaces: %w", err)
	}
	gone := make(chan struct{}, 1)
	registration, err := namespaces.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(o any) {
		key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(o)
		if err != nil || !slices.Contains(Namespaces, key) {
			return
		}
		select {
		case gone <- struct{}{}:
		default: // what is under way creates all that are missing
		}
	}})
	if err != nil {
		return fmt.Errorf("following namespaces: %w", err)
	}
	go func() {
		defer func() { _ = namespaces.Informer().RemoveEventHandler(registration) }()
		for {
			select {
			case <-ctx.Done():
				return
			case <-gone:
				if err := retryUntil(ctx, func() error { return ensureNamespaces(ctx, client) }); err != nil && ctx.Err() == nil {
					klog.ErrorS(err, "Creating the system namespaces again failed")
				}
			}
		}
	}()
	return nil
}

func ensureNamespaces(ctx context.Context, client kubernetes.Interface) error {
	for _, name := range Namespaces {
		_, err := client.CoreV1().Namespaces().Create(ctx, &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
	}
	return nil
}
