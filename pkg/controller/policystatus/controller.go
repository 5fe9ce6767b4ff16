package policystatus

import (
	"context"
	"errors"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	admissioninformers "k8s.io/client-go/informers/admissionregistration/v1"
	"k8s.io/client-go/kubernetes"
	admissionlisters "k8s.io/client-go/listers/admissionregistration/v1"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client   kubernetes.Interface
	Policies admissioninformers.ValidatingAdmissionPolicyInformer
	// Check returns the warnings for a policy; validating.TypeChecker of k8s.io/apiserver.
	Check   func(*admissionregistrationv1.ValidatingAdmissionPolicy) []admissionregistrationv1.ExpressionWarning
	Workers int
	Metrics workqueue.MetricsProvider
}

// Controller checks policies.
type Controller struct {
	cfg      Config
	policies admissionlisters.ValidatingAdmissionPolicyLister
	queue    *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informer.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Policies == nil || cfg.Check == nil {
		return nil, errors.New("policy status: Client, Policies and Check are required")
	}
	c := &Controller{cfg: cfg, policies: cfg.Policies.Lister()}
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "validatingadmissionpolicy-status", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics}); err != nil {
		return nil, err
	}
	look := func(p *admissionregistrationv1.ValidatingAdmissionPolicy) {
		if p.Status.ObservedGeneration < p.Generation {
			c.queue.Enqueue(worker.KeyOf(p))
		}
	}
	return c, worker.Watch(c.queue, cfg.Policies.Informer(), worker.Handler[*admissionregistrationv1.ValidatingAdmissionPolicy]{Add: look,
		Update: func(_, p *admissionregistrationv1.ValidatingAdmissionPolicy) { look(p) }})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// Sync checks one policy.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	p, err := c.policies.Get(key.Name)
	if apierrors.IsNotFound(err) || err == nil && p.Status.ObservedGeneration >= p.Generation {
		return nil
	}
	if err != nil {
		return err
	}
	p = p.DeepCopy()
	p.Status.TypeChecking = &admissionregistrationv1.TypeChecking{ExpressionWarnings: c.cfg.Check(p)}
	p.Status.ObservedGeneration = p.Generation
	if _, err := c.cfg.Client.AdmissionregistrationV1().ValidatingAdmissionPolicies().UpdateStatus(ctx, p, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}
