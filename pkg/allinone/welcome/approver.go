package welcome

import (
	"context"
	"errors"
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	certificatesinformers "k8s.io/client-go/informers/certificates/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	certificateslisters "k8s.io/client-go/listers/certificates/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/controller/csrapproving"
	"tiphys.dev/tiphys/pkg/controller/worker"
)

// Config of the approver.
type Config struct {
	Client   kubernetes.Interface
	Requests certificatesinformers.CertificateSigningRequestInformer
	Nodes    coreinformers.NodeInformer
	Cluster  Cluster
}

// Approver decides about nodes' requests for certificates.
type Approver struct {
	cfg      Config
	requests certificateslisters.CertificateSigningRequestLister
	nodes    corelisters.NodeLister
	queue    *worker.Queue[worker.Key]
}

// New builds the approver and connects it to its informers.
func New(cfg Config) (*Approver, error) {
	if cfg.Client == nil || cfg.Requests == nil || cfg.Nodes == nil {
		return nil, errors.New("approving nodes' certificates: Client, Requests and Nodes are required")
	}
	a := &Approver{cfg: cfg, requests: cfg.Requests.Lister(), nodes: cfg.Nodes.Lister()}
	var err error
	a.queue, err = worker.New(worker.Config[worker.Key]{Name: "node_certificates", Workers: 1, Sync: a.Sync,
		MinBackoff: 200 * time.Millisecond, MaxBackoff: time.Minute})
	if err != nil {
		return nil, err
	}
	// Judged with the nodes that are known.
	nodes := cfg.Nodes.Informer()
	a.queue.WaitFor(nodes.HasSynced)
	look := func(csr *certificatesv1.CertificateSigningRequest) {
		if approved, denied := csrapproving.Decided(csr); !approved && !denied && ours(csr.Spec.SignerName) {
			a.queue.Enqueue(worker.KeyOf(csr))
		}
	}
	return a, worker.Watch(a.queue, cfg.Requests.Informer(), worker.Handler[*certificatesv1.CertificateSigningRequest]{
		Add: look, Update: func(_, csr *certificatesv1.CertificateSigningRequest) { look(csr) }})
}

func ours(signer string) bool {
	return signer == certificatesv1.KubeletServingSignerName || signer == certificatesv1.KubeAPIServerClientSignerName
}

// Run works until ctx is done.
func (a *Approver) Run(ctx context.Context) error { return a.queue.Run(ctx) }

// Sync decides about one request.
func (a *Approver) Sync(ctx context.Context, key worker.Key) error {
	csr, err := a.requests.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if approved, denied := csrapproving.Decided(csr); approved || denied || len(csr.Status.Certificate) > 0 {
		return nil
	}
	x, err := csrapproving.Parse(csr)
	if err != nil {
		return nil // for somebody else to decide
	}
	nodes, err := a.nodes.List(labels.Everything())
	if err != nil {
		return err
	}
	got := judge(csr, x, nodes, a.cfg.Cluster)
	condition := certificatesv1.CertificateSigningRequestCondition{Status: v1.ConditionTrue, Message: got.why}
	switch {
	case got.approve:
		condition.Type, condition.Reason = certificatesv1.CertificateApproved, "NodeApproved"
	case got.deny:
		condition.Type, condition.Reason = certificatesv1.CertificateDenied, "NotTheNodes"
		klog.InfoS("A node's request for a certificate is denied", "request", csr.Name, "node", csr.Spec.Username, "why", got.why)
	default:
		return nil
	}
	csr = csr.DeepCopy()
	csr.Status.Conditions = append(csr.Status.Conditions, condition)
	_, err = a.cfg.Client.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, csr.Name, csr, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deciding about the request %s of %s: %w", csr.Name, csr.Spec.Username, err)
	}
	return nil
}
