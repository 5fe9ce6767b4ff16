package image

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/distribution/reference"
	"google.golang.org/grpc/status"
	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	crierrors "k8s.io/cri-api/pkg/errors"
)

// normalize gives an image without tag or digest the tag latest, and refuses what is no image name.
func normalize(image string) (string, error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", fmt.Errorf("couldn't parse image name %q: %w", image, err)
	}
	if _, tagged := named.(reference.Tagged); tagged {
		return image, nil
	}
	if _, digested := named.(reference.Digested); digested {
		return image, nil
	}
	// The name stays as short as it was given: the runtime knows its own default registry.
	return image + ":latest", nil
}

func (p *Puller) pull(ctx context.Context, r Request, spec *runtimeapi.ImageSpec) (string, error) {
	asked := p.cfg.Clock.Now()
	p.cfg.Event(r.Pod, r.Container, v1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", r.Image))
	if p.slots != nil {
		select {
		case p.slots <- struct{}{}:
			defer func() { <-p.slots }()
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	began := p.cfg.Clock.Now()
	ref, used, err := p.try(ctx, r, spec)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		reason, message := explain(err, r.Image)
		p.cfg.Event(r.Pod, r.Container, v1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %s", r.Image, message))
		wait := p.fail(r.Pod.UID, spec.Image, reason+": "+message)
		return "", &Error{Reason: reason, Message: message, RetryAfter: wait}
	}
	p.succeed(r.Pod.UID, spec.Image)
	p.records.add(ref, spec.Image, used)
	now := p.cfg.Clock.Now()
	p.cfg.Event(r.Pod, r.Container, v1.EventTypeNormal, "Pulled",
		fmt.Sprintf("Successfully pulled image %q in %v (%v including waiting). Image size: %d bytes.", r.Image,
			now.Sub(began).Truncate(time.Millisecond), now.Sub(asked).Truncate(time.Millisecond), p.size(ctx, spec)))
	return ref, nil
}

// try pulls with each fitting credential in turn, and without any when none fits.
func (p *Puller) try(ctx context.Context, r Request, spec *runtimeapi.ImageSpec) (string, *credential, error) {
	creds := p.keyring(ctx, r.Pod, r.Image)
	if err := p.records.intend(spec.Image); err != nil {
		return "", nil, fmt.Errorf("recording the pull: %w", err)
	}
	defer p.records.finish(spec.Image)
	if len(creds) == 0 {
		ref, err := p.cfg.Images.PullImage(ctx, spec, nil, r.Sandbox)
		return ref, nil, err
	}
	var failures []error
	for i := range creds {
		ref, err := p.cfg.Images.PullImage(ctx, spec, creds[i].auth, r.Sandbox)
		if err == nil {
			return ref, &creds[i], nil
		}
		failures = append(failures, err)
	}
	return "", nil, errors.Join(failures...)
}

func (p *Puller) size(ctx context.Context, spec *runtimeapi.ImageSpec) uint64 {
	r, err := p.cfg.Images.ImageStatus(ctx, spec, false)
	if err != nil || r.Image == nil {
		return 0
	}
	return r.Image.Size
}

// explain finds the reason the API shows in what the runtime said.
func explain(err error, image string) (reason, message string) {
	message = err.Error()
	s, ok := status.FromError(err)
	if !ok {
		return ReasonErrImagePull, message
	}
	switch {
	case strings.HasPrefix(s.Message(), crierrors.ErrRegistryUnavailable.Error()):
		return ReasonRegistryUnavail, fmt.Sprintf("image pull failed for %s because the registry is unavailable", image) +
			strings.TrimPrefix(s.Message(), crierrors.ErrRegistryUnavailable.Error())
	case strings.HasPrefix(s.Message(), crierrors.ErrSignatureValidationFailed.Error()):
		return ReasonSignature, fmt.Sprintf("image pull failed for %s because the signature validation failed", image) +
			strings.TrimPrefix(s.Message(), crierrors.ErrSignatureValidationFailed.Error())
	}
	return ReasonErrImagePull, message
}
