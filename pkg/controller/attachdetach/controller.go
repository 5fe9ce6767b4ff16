package attachdetach

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
	csitranslation "k8s.io/csi-translation-lib"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/api/podstate"
	"tiphys.dev/tiphys/pkg/controller/podcontrol"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client      kubernetes.Interface
	Nodes       coreinformers.NodeInformer
	Pods        coreinformers.PodInformer
	Claims      coreinformers.PersistentVolumeClaimInformer
	Volumes     coreinformers.PersistentVolumeInformer
	Attachments storageinformers.VolumeAttachmentInformer
	Drivers     storageinformers.CSIDriverInformer
	Events      record.EventRecorder
	// Force deletes attachments of unhealthy nodes after six minutes.
	Force   bool
	Workers int
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// Controller attaches and detaches volumes. Its keys are nodes.
type Controller struct {
	cfg         Config
	nodes       corelisters.NodeLister
	pods        podcontrol.Pods
	podsBy      corelisters.PodLister
	claims      corelisters.PersistentVolumeClaimLister
	volumes     corelisters.PersistentVolumeLister
	attachments cache.Indexer
	drivers     storagelisters.CSIDriverLister
	translator  csitranslation.CSITranslator
	queue       *worker.Queue[worker.Key]

	mu       sync.Mutex
	unwanted map[string]time.Time // attachment -> since when
}

const (
	byNode   = "attachmentNode"
	byVolume = "attachmentVolume"
)

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Nodes == nil || cfg.Pods == nil || cfg.Claims == nil || cfg.Volumes == nil || cfg.Attachments == nil || cfg.Drivers == nil || cfg.Events == nil {
		return nil, errors.New("attach detach controller: Client, informers and Events are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{cfg: cfg, nodes: cfg.Nodes.Lister(), podsBy: cfg.Pods.Lister(), claims: cfg.Claims.Lister(), volumes: cfg.Volumes.Lister(),
		attachments: cfg.Attachments.Informer().GetIndexer(), drivers: cfg.Drivers.Lister(), translator: csitranslation.New(), unwanted: map[string]time.Time{}}
	var err error
	if c.pods, err = podcontrol.Index(cfg.Pods.Informer()); err != nil {
		return nil, err
	}
	if c.attachments.GetIndexers()[byNode] == nil {
		if err := cfg.Attachments.Informer().AddIndexers(indexers); err != nil {
			return nil, fmt.Errorf("indexing attachments: %w", err)
		}
	}
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "attach_detach", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock, MaxBackoff: 2 * time.Minute}); err != nil {
		return nil, err
	}
	return c, errors.Join(
		worker.Watch(c.queue, cfg.Nodes.Informer(), worker.Self[*v1.Node](c.queue)),
		worker.Watch(c.queue, cfg.Pods.Informer(), worker.Handler[*v1.Pod]{Add: c.podChanged, Delete: c.podChanged, Update: func(old, p *v1.Pod) {
			if old.Spec.NodeName != p.Spec.NodeName || podstate.IsTerminal(old) != podstate.IsTerminal(p) {
				c.podChanged(p)
			}
		}}),
		worker.Watch(c.queue, cfg.Claims.Informer(), worker.Handler[*v1.PersistentVolumeClaim]{Add: c.claimChanged, Update: func(old, p *v1.PersistentVolumeClaim) {
			if old.Spec.VolumeName != p.Spec.VolumeName || old.Status.Phase != p.Status.Phase {
				c.claimChanged(p)
			}
		}}),
		worker.Watch(c.queue, cfg.Volumes.Informer(), worker.Handler[*v1.PersistentVolume]{Add: c.volumeChanged}),
		worker.Watch(c.queue, cfg.Attachments.Informer(), worker.Handler[*storagev1.VolumeAttachment]{
			Add:    func(a *storagev1.VolumeAttachment) { c.queue.Enqueue(worker.Key{Name: a.Spec.NodeName}) },
			Update: func(_, a *storagev1.VolumeAttachment) { c.queue.Enqueue(worker.Key{Name: a.Spec.NodeName}) },
			Delete: c.detached,
		}),
		worker.Watch(c.queue, cfg.Drivers.Informer(), worker.Handler[*storagev1.CSIDriver]{Add: c.driverChanged,
			Update: func(_, d *storagev1.CSIDriver) { c.driverChanged(d) }, Delete: c.driverChanged}),
	)
}

var indexers = cache.Indexers{
	byNode: func(o any) ([]string, error) {
		if a, ok := o.(*storagev1.VolumeAttachment); ok {
			return []string{a.Spec.NodeName}, nil
		}
		return nil, nil
	},
	byVolume: func(o any) ([]string, error) {
		if a, ok := o.(*storagev1.VolumeAttachment); ok && a.Spec.Source.PersistentVolumeName != nil {
			return []string{*a.Spec.Source.PersistentVolumeName}, nil
		}
		return nil, nil
	},
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

func (c *Controller) podChanged(p *v1.Pod) {
	if p.Spec.NodeName == "" {
		return
	}
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim != nil || v.Ephemeral != nil || c.translator.IsInlineMigratable(&v) {
			c.queue.Enqueue(worker.Key{Name: p.Spec.NodeName})
			return
		}
	}
}

// claimChanged looks at the nodes whose pods mount the claim.
func (c *Controller) claimChanged(claim *v1.PersistentVolumeClaim) {
	pods, err := c.podsBy.Pods(claim.Namespace).List(labels.Everything())
	if err != nil {
		return // reading a cache has no errors
	}
	for _, p := range pods {
		for i := range p.Spec.Volumes {
			if p.Spec.NodeName != "" && claimName(p, &p.Spec.Volumes[i]) == claim.Name {
				c.queue.Enqueue(worker.Key{Name: p.Spec.NodeName})
			}
		}
	}
}

func (c *Controller) volumeChanged(pv *v1.PersistentVolume) {
	if r := pv.Spec.ClaimRef; r != nil {
		if claim, err := c.claims.PersistentVolumeClaims(r.Namespace).Get(r.Name); err == nil {
			c.claimChanged(claim)
		}
	}
}

// detached wakes the nodes that wait for the volume, too.
func (c *Controller) detached(a *storagev1.VolumeAttachment) {
	c.queue.Enqueue(worker.Key{Name: a.Spec.NodeName})
	if name := a.Spec.Source.PersistentVolumeName; name != nil {
		if pv, err := c.volumes.Get(*name); err == nil {
			c.volumeChanged(pv)
		}
	}
}

func (c *Controller) driverChanged(*storagev1.CSIDriver) {
	nodes, err := c.nodes.List(labels.Everything())
	if err != nil {
		return
	}
	for _, n := range nodes {
		c.queue.Enqueue(worker.KeyOf(n))
	}
}
