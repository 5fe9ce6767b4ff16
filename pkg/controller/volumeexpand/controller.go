package volumeexpand

import (
	"context"
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	csitranslation "k8s.io/csi-translation-lib"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Resizer is the annotation that names who enlarges a claim's volume.
const Resizer = "volume.kubernetes.io/storage-resizer"

// Config of the controller.
type Config struct {
	Client  kubernetes.Interface
	Claims  coreinformers.PersistentVolumeClaimInformer
	Volumes coreinformers.PersistentVolumeInformer
	Events  record.EventRecorder
	Workers int
	Metrics workqueue.MetricsProvider
}

// Controller finds the driver of claims that grow.
type Controller struct {
	cfg        Config
	claims     corelisters.PersistentVolumeClaimLister
	volumes    corelisters.PersistentVolumeLister
	translator csitranslation.CSITranslator
	queue      *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informers.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Claims == nil || cfg.Volumes == nil || cfg.Events == nil {
		return nil, errors.New("volume expansion: Client, Claims, Volumes and Events are required")
	}
	c := &Controller{cfg: cfg, claims: cfg.Claims.Lister(), volumes: cfg.Volumes.Lister(), translator: csitranslation.New()}
	cfg.Volumes.Informer() // so that the factory fills it
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "volume_expand", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	c.queue.WaitFor(cfg.Volumes.Informer().HasSynced)
	return c, worker.Watch(c.queue, cfg.Claims.Informer(), worker.Handler[*v1.PersistentVolumeClaim]{Add: func(p *v1.PersistentVolumeClaim) {
		if grows(p) {
			c.queue.Enqueue(worker.KeyOf(p))
		}
	}, Update: func(old, p *v1.PersistentVolumeClaim) {
		was := old.Spec.Resources.Requests[v1.ResourceStorage]
		if is := p.Spec.Resources.Requests[v1.ResourceStorage]; is.Cmp(was) > 0 && grows(p) {
			c.queue.Enqueue(worker.KeyOf(p))
		}
	}})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// grows tells whether a bound claim asks for more than it has.
func grows(p *v1.PersistentVolumeClaim) bool {
	want, have := p.Spec.Resources.Requests[v1.ResourceStorage], p.Status.Capacity[v1.ResourceStorage]
	return p.Status.Phase == v1.ClaimBound && p.DeletionTimestamp == nil && want.Cmp(have) > 0
}

// Sync names the resizer of one claim.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	p, err := c.claims.PersistentVolumeClaims(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) || err == nil && !grows(p) {
		return nil
	}
	if err != nil {
		return err
	}
	v, err := c.volumes.Get(p.Spec.VolumeName)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("volume %s of the claim: %w", p.Spec.VolumeName, worker.ErrNotYet)
	}
	if err != nil {
		return err
	}
	switch {
	case v.Spec.CSI != nil:
		c.waiting(p)
		return nil
	case c.translator.IsPVMigratable(v):
		return c.handOver(ctx, p, v)
	}
	c.cfg.Events.Event(p, v1.EventTypeWarning, "ExternalExpanding", "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to process this PVC.")
	return nil
}

func (c *Controller) waiting(p *v1.PersistentVolumeClaim) {
	c.cfg.Events.Event(p, v1.EventTypeNormal, "ExternalExpanding", "waiting for an external controller to expand this PVC")
}

func (c *Controller) handOver(ctx context.Context, p *v1.PersistentVolumeClaim, v *v1.PersistentVolume) error {
	plugin, err := c.translator.GetInTreePluginNameFromSpec(v, nil)
	if err != nil {
		return fmt.Errorf("finding the plugin of volume %s: %w", v.Name, err)
	}
	driver, err := c.translator.GetCSINameFromInTreeName(plugin)
	if err != nil {
		return fmt.Errorf("finding the driver of volume %s: %w", v.Name, err)
	}
	c.waiting(p)
	if p.Annotations[Resizer] == driver {
		return nil
	}
	patch := fmt.Sprintf(`{"metadata":{"uid":%q,"annotations":{%q:%q}}}`, p.UID, Resizer, driver)
	if _, err := c.cfg.Client.CoreV1().PersistentVolumeClaims(p.Namespace).Patch(ctx, p.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("naming the resizer: %w", err)
	}
	return nil
}
