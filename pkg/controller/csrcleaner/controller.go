package csrcleaner

import (
	"context"
	"errors"
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	certificatesinformers "k8s.io/client-go/informers/certificates/v1"
	"k8s.io/client-go/kubernetes"
	certificateslisters "k8s.io/client-go/listers/certificates/v1"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

const (
	decidedLife = time.Hour
	pendingLife = 24 * time.Hour
)

// Config of the controller.
type Config struct {
	Client   kubernetes.Interface
	Requests certificatesinformers.CertificateSigningRequestInformer
	Metrics  workqueue.MetricsProvider
	Clock    clock.WithTicker
}

// Controller deletes old requests.
type Controller struct {
	client   kubernetes.Interface
	requests certificateslisters.CertificateSigningRequestLister
	queue    *worker.Queue[worker.Key]
	clock    clock.Clock
}

// New builds the controller and connects it to its informer.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Requests == nil {
		return nil, errors.New("cleaning certificate requests: Client and Requests are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{client: cfg.Client, requests: cfg.Requests.Lister(), clock: cfg.Clock}
	var err error
	if c.queue, err = worker.New(worker.Config[worker.Key]{Name: "csr_cleaner", Workers: 1, Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock}); err != nil {
		return nil, err
	}
	h := worker.Self[*certificatesv1.CertificateSigningRequest](c.queue)
	h.Delete = nil
	return c, worker.Watch(c.queue, cfg.Requests.Informer(), h)
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// Sync deletes one request if its time is over, or waits for that.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	csr, err := c.requests.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if left := end(csr).Sub(c.clock.Now()); left > 0 {
		c.queue.EnqueueAfter(key, left)
		return nil
	}
	err = c.client.CertificatesV1().CertificateSigningRequests().Delete(ctx, csr.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &csr.UID, ResourceVersion: &csr.ResourceVersion}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting an old certificate request: %w", err)
	}
	return nil
}

// end is when the request is to be deleted.
func end(csr *certificatesv1.CertificateSigningRequest) time.Time {
	at := csr.CreationTimestamp.Add(pendingLife)
	earlier := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	for _, c := range csr.Status.Conditions {
		since := c.LastUpdateTime.Time
		if since.IsZero() {
			since = csr.CreationTimestamp.Time
		}
		switch c.Type {
		case certificatesv1.CertificateDenied, certificatesv1.CertificateFailed:
			earlier(since.Add(decidedLife))
		case certificatesv1.CertificateApproved:
			if len(csr.Status.Certificate) > 0 {
				earlier(since.Add(decidedLife))
			}
		}
	}
	if certs, err := cert.ParseCertsPEM(csr.Status.Certificate); err == nil {
		earlier(certs[0].NotAfter)
	}
	return at
}
