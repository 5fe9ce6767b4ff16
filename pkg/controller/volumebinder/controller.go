package volumebinder

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/labels"
	coreinformers "k8s.io/client-go/informers/core/v1"
	storageinformers "k8s.io/client-go/informers/storage/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	storagevolume "k8s.io/component-helpers/storage/volume"
	csitranslation "k8s.io/csi-translation-lib"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Volumes coreinformers.PersistentVolumeInformer
	Claims  coreinformers.PersistentVolumeClaimInformer
	Classes storageinformers.StorageClassInformer
	Pods    coreinformers.PodInformer
	Events  record.EventRecorder
	// Provisioning asks provisioners for volumes (--enable-dynamic-provisioning).
	Provisioning bool
	Recycler     Recycler
	// Remind is how often a claim that waits for a provisioner is told so again (--pvclaimbinder-sync-period).
	Remind  time.Duration
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// Controller binds volumes.
type Controller struct {
	cfg      Config
	client   kubernetes.Interface
	events   record.EventRecorder
	classes  storagelisters.StorageClassLister
	pods     corelisters.PodLister
	volumes  overlay[*v1.PersistentVolume]
	claims   overlay[*v1.PersistentVolumeClaim]
	migrated csitranslation.CSITranslator

	claimQueue, volumeQueue *worker.Queue[worker.Key]
}

// ownWrites is how long a write is preferred to the cache when nothing newer has come.
const ownWrites = time.Minute

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Volumes == nil || cfg.Claims == nil || cfg.Classes == nil || cfg.Pods == nil || cfg.Events == nil {
		return nil, errors.New("volume binder: Client, informers and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	if cfg.Remind <= 0 {
		cfg.Remind = 15 * time.Second
	}
	c := &Controller{cfg: cfg, client: cfg.Client, events: cfg.Events, classes: cfg.Classes.Lister(), pods: cfg.Pods.Lister(), migrated: csitranslation.New(),
		volumes: newOverlay[*v1.PersistentVolume](cfg.Volumes.Informer().GetIndexer()), claims: newOverlay[*v1.PersistentVolumeClaim](cfg.Claims.Informer().GetIndexer())}
	var err error
	// One worker each: two claims deciding at once would often choose the same volume.
	if c.claimQueue, err = worker.New(worker.Config[worker.Key]{Name: "claims", Workers: 1, Sync: c.SyncClaim, Metrics: cfg.Metrics, Clock: cfg.Clock, MaxBackoff: time.Minute}); err != nil {
		return nil, err
	}
	if c.volumeQueue, err = worker.New(worker.Config[worker.Key]{Name: "volumes", Workers: 1, Sync: c.SyncVolume, Metrics: cfg.Metrics, Clock: cfg.Clock, MaxBackoff: time.Minute}); err != nil {
		return nil, err
	}
	c.claimQueue.WaitFor(c.volumeQueue.HasSynced)
	return c, errors.Join(
		worker.Watch(c.claimQueue, cfg.Claims.Informer(), worker.Handler[*v1.PersistentVolumeClaim]{Add: c.claimChanged,
			Update: func(_, p *v1.PersistentVolumeClaim) { c.claimChanged(p) }, Delete: c.claimChanged}),
		worker.Watch(c.volumeQueue, cfg.Volumes.Informer(), worker.Handler[*v1.PersistentVolume]{Add: c.volumeChanged,
			Update: func(_, v *v1.PersistentVolume) { c.volumeChanged(v) }, Delete: c.volumeChanged}),
		worker.Watch(c.claimQueue, cfg.Classes.Informer(), worker.Handler[*storagev1.StorageClass]{Add: func(*storagev1.StorageClass) { c.enqueuePending("") },
			Update: func(_, _ *storagev1.StorageClass) { c.enqueuePending("") }}),
		worker.Watch(c.volumeQueue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{Update: func(_, p *v1.Pod) { c.recyclerChanged(p) }, Delete: c.recyclerChanged}),
	)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.claimQueue.Run(ctx) })
	g.Go(func() error { return c.volumeQueue.Run(ctx) })
	return g.Wait()
}

func (c *Controller) claimChanged(p *v1.PersistentVolumeClaim) {
	c.claimQueue.Enqueue(worker.KeyOf(p))
	if p.Spec.VolumeName != "" {
		c.volumeQueue.Enqueue(worker.Key{Name: p.Spec.VolumeName})
	}
}

func (c *Controller) volumeChanged(v *v1.PersistentVolume) {
	c.volumeQueue.Enqueue(worker.KeyOf(v))
	if r := v.Spec.ClaimRef; r != nil {
		c.claimQueue.Enqueue(worker.Key{Namespace: r.Namespace, Name: r.Name})
		return
	}
	c.enqueuePending(v.Name)
}

// enqueuePending looks again at claims that wait, after a volume became free (they may want it) or a class changed.
func (c *Controller) enqueuePending(volume string) {
	claims, err := c.claims.list()
	if err != nil {
		return // reading a cache has no errors
	}
	for _, p := range claims {
		bound := p.Annotations[storagevolume.AnnBindCompleted] != ""
		if !bound && (p.Spec.VolumeName == "" || p.Spec.VolumeName == volume) {
			c.claimQueue.Enqueue(worker.KeyOf(p))
		}
	}
}

// podsWaiting are the pods without a node that mount the claim.
func (c *Controller) podsWaiting(p *v1.PersistentVolumeClaim) []string {
	pods, err := c.pods.Pods(p.Namespace).List(labels.Everything())
	if err != nil {
		return nil
	}
	var names []string
	for _, pod := range pods {
		for _, v := range pod.Spec.Volumes {
			if pod.Spec.NodeName == "" && (v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == p.Name || v.Ephemeral != nil && pod.Name+"-"+v.Name == p.Name) {
				names = append(names, pod.Name)
				break
			}
		}
	}
	return names
}

// overlay is a cache with the controller's own writes on top.
type overlay[T any] struct {
	indexer cache.Indexer
	written cache.MutationCache
}

func newOverlay[T any](indexer cache.Indexer) overlay[T] {
	return overlay[T]{indexer, cache.NewIntegerResourceVersionMutationCache(klog.Background(), indexer, indexer, ownWrites, false)}
}

func (o overlay[T]) get(key worker.Key) (T, bool, error) {
	var none T
	item, ok, err := o.written.GetByKey(key.String())
	if err != nil || !ok {
		return none, false, err
	}
	t, ok := item.(T)
	return t, ok, nil
}

func (o overlay[T]) list() ([]T, error) {
	var all []T
	for _, key := range o.indexer.ListKeys() {
		item, ok, err := o.written.GetByKey(key)
		if err != nil {
			return nil, err
		}
		if t, is := item.(T); ok && is {
			all = append(all, t)
		}
	}
	return all, nil
}

func (o overlay[T]) wrote(t T) { o.written.Mutation(t) }
