package csrapproving

import (
	"context"
	"errors"
	"fmt"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	certificatesinformers "k8s.io/client-go/informers/certificates/v1"
	"k8s.io/client-go/kubernetes"
	certificateslisters "k8s.io/client-go/listers/certificates/v1"
	"k8s.io/client-go/util/workqueue"

	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the controller.
type Config struct {
	Client   kubernetes.Interface
	Requests certificatesinformers.CertificateSigningRequestInformer
	Workers  int
	Metrics  workqueue.MetricsProvider
}

// Controller approves kubelets' requests.
type Controller struct {
	client   kubernetes.Interface
	requests certificateslisters.CertificateSigningRequestLister
	queue    *worker.Queue[worker.Key]
}

// New builds the controller and connects it to its informer.
func New(cfg Config) (*Controller, error) {
	if cfg.Client == nil || cfg.Requests == nil {
		return nil, errors.New("approving certificate requests: Client and Requests are required")
	}
	c := &Controller{client: cfg.Client, requests: cfg.Requests.Lister()}
	var err error
	// The longest wait bounds how late a right granted after the request is noticed.
	c.queue, err = worker.New(worker.Config[worker.Key]{Name: "certificate", Workers: max(1, cfg.Workers), Sync: c.Sync, Metrics: cfg.Metrics,
		MinBackoff: 200 * time.Millisecond, MaxBackoff: 1000 * time.Second})
	if err != nil {
		return nil, err
	}
	look := func(csr *certificatesv1.CertificateSigningRequest) {
		if approved, denied := Decided(csr); !approved && !denied && csr.Spec.SignerName == certificatesv1.KubeAPIServerClientKubeletSignerName {
			c.queue.Enqueue(worker.KeyOf(csr))
		}
	}
	return c, worker.Watch(c.queue, cfg.Requests.Informer(), worker.Handler[*certificatesv1.CertificateSigningRequest]{
		Add: look, Update: func(_, csr *certificatesv1.CertificateSigningRequest) { look(csr) }})
}

// Run works until ctx is done.
func (c *Controller) Run(ctx context.Context) error { return c.queue.Run(ctx) }

// Sync approves one request if it may be.
func (c *Controller) Sync(ctx context.Context, key worker.Key) error {
	csr, err := c.requests.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if approved, denied := Decided(csr); approved || denied || len(csr.Status.Certificate) > 0 {
		return nil
	}
	x, err := Parse(csr)
	if err != nil || NodeClient(csr, x) != nil {
		return nil // for somebody else to decide
	}
	kinds := []struct{ subresource, message string }{{"nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."}}
	if csr.Spec.Username == x.Subject.CommonName {
		kinds = append([]struct{ subresource, message string }{{"selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview."}}, kinds...)
	}
	for _, k := range kinds {
		ok, err := c.mayCreate(ctx, csr, k.subresource)
		if err != nil {
			return err
		}
		if ok {
			return c.approve(ctx, csr, k.message)
		}
	}
	// No event tells that a right was granted.
	return fmt.Errorf("%s may not create kubelet client certificates: %w", csr.Spec.Username, worker.ErrNotYet)
}

func (c *Controller) mayCreate(ctx context.Context, csr *certificatesv1.CertificateSigningRequest, subresource string) (bool, error) {
	extra := map[string]authorizationv1.ExtraValue{}
	for k, v := range csr.Spec.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	review, err := c.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: csr.Spec.Username, UID: csr.Spec.UID, Groups: csr.Spec.Groups, Extra: extra,
		ResourceAttributes: &authorizationv1.ResourceAttributes{Group: certificatesv1.GroupName, Version: "*", Resource: "certificatesigningrequests", Verb: "create", Subresource: subresource},
	}}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("asking whether %s may create certificatesigningrequests/%s: %w", csr.Spec.Username, subresource, err)
	}
	return review.Status.Allowed, nil
}

func (c *Controller) approve(ctx context.Context, csr *certificatesv1.CertificateSigningRequest, message string) error {
	csr = csr.DeepCopy()
	csr.Status.Conditions = append(csr.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateApproved, Status: v1.ConditionTrue, Reason: "AutoApproved", Message: message})
	if _, err := c.client.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, csr.Name, csr, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("approving: %w", err)
	}
	return nil
}
