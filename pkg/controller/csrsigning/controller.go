package csrsigning

import (
	"context"
	"errors"
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	certificatesinformers "k8s.io/client-go/informers/certificates/v1"
	"k8s.io/client-go/kubernetes"
	certificateslisters "k8s.io/client-go/listers/certificates/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/controller/csrapproving"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client   kubernetes.Interface
	Requests certificatesinformers.CertificateSigningRequestInformer
	// Authorities by the name of the signer.
	Authorities map[string]Authority
	// Longest is how long a certificate lives when its request does not ask for less.
	Longest time.Duration
	Workers int
	Metrics workqueue.MetricsProvider
	Clock   clock.WithTicker
}

// Controller issues certificates.
type Controller struct {
	cfg      Config
	requests certificateslisters.CertificateSigningRequestLister
	queue    *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informer.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Requests == nil || cfg.Longest <= 0 {
		return nil, errors.New("signing certificate requests: Client, Requests and Longest are required")
	}
	for name, a := range cfg.Authorities {
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("signing certificate requests: authority of %s: %w", name, err)
		}
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	c := &Controller{cfg: cfg, requests: cfg.Requests.Lister()}
	var err error
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "csr_signing", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics, Clock: cfg.Clock,
		MinBackoff: 200 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	look := func(csr *certificatesv1.CertificateSigningRequest) {
		if _, ours := cfg.Authorities[csr.Spec.SignerName]; ours {
			c.queue.Enqueue(worker.KeyOf(csr))
		}
	}
	return c, worker.Watch(c.queue, cfg.Requests.Informer(), worker.Handler[*certificatesv1.CertificateSigningRequest]{
		Add: look, Update: func(_, csr *certificatesv1.CertificateSigningRequest) { look(csr) }})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// Sync issues the certificate of one request if it was approved.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	csr, err := c.requests.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	authority, ours := c.cfg.Authorities[csr.Spec.SignerName]
	approved, denied := csrapproving.Decided(csr)
	if !ours || !approved || denied || failed(csr) || len(csr.Status.Certificate) > 0 {
		return nil
	}
	csr = csr.DeepCopy()
	x, err := csrapproving.Parse(csr)
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	if err := allow(csr, x); err != nil {
		csr.Status.Conditions = append(csr.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{Type: certificatesv1.CertificateFailed,
			Status: v1.ConditionTrue, Reason: "SignerValidationFailure", Message: err.Error(), LastUpdateTime: metav1.NewTime(c.cfg.Clock.Now())})
	} else if csr.Status.Certificate, err = authority.issue(csr, x, lifetime(csr.Spec.ExpirationSeconds, c.cfg.Longest), c.cfg.Clock.Now()); err != nil {
		return err
	}
	if _, err := c.cfg.Client.CertificatesV1().CertificateSigningRequests().UpdateStatus(ctx, csr, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("storing the certificate: %w", err)
	}
	return nil
}

func failed(csr *certificatesv1.CertificateSigningRequest) bool {
	for _, c := range csr.Status.Conditions {
		if c.Type == certificatesv1.CertificateFailed {
			return true
		}
	}
	return false
}
