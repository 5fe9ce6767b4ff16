package apiserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apiserver/pkg/features"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/apiserver/bootstrap"
	"tiphys.dev/tiphys/pkg/apiserver/reconciler"
	"tiphys.dev/tiphys/pkg/registry"
)

// addHooks hooks in what the standard server does for its own objects once it serves. Names and order are upstream's: people
// and programs read them in the answers of /readyz?verbose and exclude them by name.
func addHooks(c *Config, g *generic, server *genericapiserver.GenericAPIServer, installed *registry.Installed, endpoint *reconciler.Reconciler) {
	add := func(name string, hook func(context.Context) error) {
		server.AddPostStartHookOrDie(name, func(h genericapiserver.PostStartHookContext) error { return hook(h) })
	}
	namespaces := g.informers.Core().V1().Namespaces()
	namespaces.Informer() // or it would not be started
	add("start-system-namespaces-controller", func(ctx context.Context) error {
		return bootstrap.SystemNamespaces(ctx, g.client, namespaces)
	})
	g.peers.announce(g, server)
	add("start-cluster-authentication-info-controller", func(ctx context.Context) error {
		go bootstrap.AuthenticationInfo(ctx, g.client, g.trust())
		return nil
	})
	living, end := context.WithCancel(context.Background())
	add("start-kube-apiserver-identity-lease-controller", func(ctx context.Context) error {
		context.AfterFunc(ctx, end)
		go bootstrap.Identity(living, g.client, g.config.APIServerID, c.peerAddress(g.securePort))
		return nil
	})
	server.AddPreShutdownHookOrDie("stop-kube-apiserver-identity-lease-controller", func() error {
		end() // or the lease would come back
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return bootstrap.ForgetIdentity(ctx, g.client, g.config.APIServerID)
	})
	add("start-kube-apiserver-identity-lease-garbage-collector", func(ctx context.Context) error {
		go bootstrap.CollectIdentities(ctx, g.client, clock.RealClock{})
		return nil
	})
	if feature.DefaultFeatureGate.Enabled(features.WatchCacheInitializationPostStartHook) {
		server.AddPostStartHookOrDie("storage-readiness", server.StorageReadinessHook.Hook)
	}
	add("start-legacy-token-tracking-controller", func(ctx context.Context) error {
		return bootstrap.TokenTracking(ctx, g.client, time.Now())
	})
	add("start-service-ip-repair-controllers", installed.RepairServices)
	add("rbac/bootstrap-roles", func(ctx context.Context) error { return writeRoles(ctx, g) })
	add("scheduling/bootstrap-system-priority-classes", func(ctx context.Context) error {
		return bootstrap.PriorityClasses(ctx, g.client)
	})
	if c.Features.EnablePriorityAndFairness {
		add("priority-and-fairness-config-producer", func(ctx context.Context) error { return bootstrap.FlowControl(ctx, g.client) })
	}
	add("bootstrap-controller", func(ctx context.Context) error {
		go endpoint.Run(ctx)
		return nil
	})
	add("start-kubernetes-service-cidr-controller", installed.KeepServiceCIDR)
	if c.ServeLogs {
		serveLogs(server)
	}
}

// ready tells whether this server says that it is ready.
func (g *generic) ready(ctx context.Context) bool {
	return g.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil
}

// writeRoles writes the default roles, and waits until the authorizer has those that are stored: without them the first requests
// to a restarted server would be refused.
func writeRoles(ctx context.Context, g *generic) error {
	if err := bootstrap.RBAC(ctx, g.client); err != nil {
		return err
	}
	if g.rbacEnabled && !cache.WaitForCacheSync(ctx.Done(), g.rbac.HasSynced) {
		return fmt.Errorf("filling the authorizer's cache of roles: %w", errors.Join(ctx.Err(), errors.New("the server ended")))
	}
	return nil
}
