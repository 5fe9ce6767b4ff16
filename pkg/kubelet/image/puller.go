package image

import (
	"context"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/clock"
)

// Secrets is what the puller needs of the objects room.
type Secrets interface {
	Secret(ctx context.Context, namespace, name string) (*v1.Secret, error)
}

// Config of a Puller.
type Config struct {
	Images  internalapi.ImageManagerService
	Secrets Secrets
	// Event records an event on a container of a pod (container "" means the pod).
	Event func(pod *v1.Pod, container, kind, reason, message string)
	// MaxParallel bounds simultaneous pulls; 0 means no bound.
	MaxParallel int
	// CredentialFiles are docker config files of the node.
	CredentialFiles []string
	// RecordDir keeps who pulled what; empty: nothing is recorded or verified.
	RecordDir string
	// Verification and Allowlist say which present images need credentials.
	Verification kubeletconfig.ImagePullCredentialsVerificationPolicy
	Allowlist    []string
	// FirstBackOff and MaxBackOff bound the wait after a failed pull; 0 means 10 s and 5 min.
	FirstBackOff, MaxBackOff time.Duration
	Clock                    clock.Clock
}

// Puller makes images present.
type Puller struct {
	cfg     Config
	slots   chan struct{}
	records *records

	mu       sync.Mutex
	failures map[failureKey]*failure
}

type failureKey struct {
	pod   types.UID
	image string
}

type failure struct {
	wait    time.Duration
	last    time.Time
	message string
}

// Request asks for the image of one container.
type Request struct {
	Pod            *v1.Pod
	Container      string
	Image          string
	Policy         v1.PullPolicy
	RuntimeHandler string
	Sandbox        *runtimeapi.PodSandboxConfig
}

// New builds a Puller.
func New(cfg Config) (*Puller, error) {
	if cfg.Images == nil {
		return nil, fmt.Errorf("image puller: no image service")
	}
	if cfg.Event == nil {
		cfg.Event = func(*v1.Pod, string, string, string, string) {}
	}
	if cfg.FirstBackOff == 0 {
		cfg.FirstBackOff = 10 * time.Second
	}
	if cfg.MaxBackOff == 0 {
		cfg.MaxBackOff = 5 * time.Minute
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	p := &Puller{cfg: cfg, failures: map[failureKey]*failure{}}
	if cfg.MaxParallel > 0 {
		p.slots = make(chan struct{}, cfg.MaxParallel)
	}
	if cfg.RecordDir != "" && cfg.Verification != kubeletconfig.NeverVerify {
		p.records = &records{dir: cfg.RecordDir, clock: cfg.Clock}
	}
	return p, nil
}

// Forget drops the back-off of a pod that is gone.
func (p *Puller) Forget(pod types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.failures {
		if k.pod == pod {
			delete(p.failures, k)
		}
	}
}

// Ensure makes the image present and returns the runtime's reference of it.
func (p *Puller) Ensure(ctx context.Context, r Request) (string, error) {
	name, err := normalize(r.Image)
	if err != nil {
		msg := fmt.Sprintf("Failed to apply default image tag %q: %v", r.Image, err)
		p.cfg.Event(r.Pod, r.Container, v1.EventTypeWarning, "InspectFailed", msg)
		return "", &Error{Reason: ReasonInvalidImageName, Message: msg}
	}
	spec := &runtimeapi.ImageSpec{Image: name, RuntimeHandler: r.RuntimeHandler, Annotations: r.Pod.Annotations}
	present, err := p.present(ctx, spec)
	if err != nil {
		msg := fmt.Sprintf("Failed to inspect image %q: %v", name, err)
		p.cfg.Event(r.Pod, r.Container, v1.EventTypeWarning, "InspectFailed", msg)
		return "", &Error{Reason: ReasonImageInspectError, Message: msg, RetryAfter: p.cfg.FirstBackOff}
	}
	if present != "" && r.Policy != v1.PullAlways {
		if p.mayUse(ctx, r.Pod, name, present) {
			p.succeed(r.Pod.UID, name)
			p.cfg.Event(r.Pod, r.Container, v1.EventTypeNormal, "Pulled",
				fmt.Sprintf("Container image %q already present on machine and can be accessed by the pod", r.Image))
			return present, nil
		}
	}
	if r.Policy == v1.PullNever {
		msg := fmt.Sprintf("Container image %q is not present with pull policy of Never", r.Image)
		if present != "" {
			msg = fmt.Sprintf("Container image %q is present with pull policy of Never but does not have the proper credentials to access the image", r.Image)
		}
		p.cfg.Event(r.Pod, r.Container, v1.EventTypeWarning, "ErrImageNeverPull", msg)
		return "", &Error{Reason: ReasonErrImageNeverPull, Message: msg, RetryAfter: p.cfg.FirstBackOff}
	}
	if wait, message := p.waiting(r.Pod.UID, name); wait > 0 {
		short := fmt.Sprintf("Back-off pulling image %q", r.Image)
		p.cfg.Event(r.Pod, r.Container, v1.EventTypeNormal, "BackOff", short)
		return "", &Error{Reason: ReasonImagePullBackOff, Message: short + ": " + message, RetryAfter: wait}
	}
	return p.pull(ctx, r, spec)
}

func (p *Puller) present(ctx context.Context, spec *runtimeapi.ImageSpec) (string, error) {
	r, err := p.cfg.Images.ImageStatus(ctx, spec, false)
	if err != nil {
		return "", err
	}
	if r.Image == nil {
		return "", nil
	}
	return r.Image.Id, nil
}

func (p *Puller) waiting(pod types.UID, image string) (time.Duration, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.failures[failureKey{pod, image}]
	if f == nil {
		return 0, ""
	}
	return f.last.Add(f.wait).Sub(p.cfg.Clock.Now()), f.message
}

func (p *Puller) fail(pod types.UID, image, message string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := failureKey{pod, image}
	f := p.failures[k]
	if f == nil {
		f = &failure{wait: p.cfg.FirstBackOff / 2}
		p.failures[k] = f
	}
	f.wait = min(2*f.wait, p.cfg.MaxBackOff)
	f.last, f.message = p.cfg.Clock.Now(), message
	return f.wait
}

func (p *Puller) succeed(pod types.UID, image string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.failures, failureKey{pod, image})
}
