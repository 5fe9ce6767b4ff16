package openapi

import (
	"context"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/tools/cache"
)

// Documents are the installed documents of a chain of servers.
type Documents struct{ handler *onDemand }

// Follow keeps the documents of aggregated servers up with the APIServices until ctx ends: while there are documents, those of
// a server that becomes available are fetched at once, so that the next client finds them merged, and those of a server that is
// taken away leave. It returns when the APIServices of the start are known.
func (d *Documents) Follow(ctx context.Context, services cache.SharedInformer) error {
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // a look is due anyway
		}
	}
	registration, err := services.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { notify() }, UpdateFunc: func(any, any) { notify() }, DeleteFunc: func(any) { notify() },
	})
	if err != nil {
		return err
	}
	go func() {
		defer func() { _ = services.RemoveEventHandler(registration) }()
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
				d.look(ctx)
			}
		}
	}()
	if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return ctx.Err()
	}
	return nil
}

// look brings documents that exist up to date; where nobody has asked for any there is nothing to do.
func (d *Documents) look(ctx context.Context) {
	docs, ok := d.handler.peek().(*documents)
	if !ok {
		return
	}
	docs.mu.Lock()
	_, err := docs.refreshLocked()
	docs.mu.Unlock()
	if err != nil {
		utilruntime.HandleErrorWithContext(ctx, err, "Refreshing the OpenAPI documents")
	}
}
