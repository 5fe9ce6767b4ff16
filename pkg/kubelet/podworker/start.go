package podworker

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/kubelet/image"
	"tiphys.dev/tiphys/pkg/kubelet/observe"
	"tiphys.dev/tiphys/pkg/kubelet/plan"
)

// Reasons of a container that could not be started.
const (
	reasonConfig    = "CreateContainerConfigError"
	reasonCreate    = "CreateContainerError"
	reasonRun       = "RunContainerError"
	reasonPostStart = "PostStartHookError"
)

// resyncRetry is how long to wait after volumes could not be written again.
const resyncRetry = 5 * time.Second

// startError carries the waiting reason.
type startError struct {
	reason  string
	message string
	config  bool
}

func (e *startError) Error() string { return e.reason + ": " + e.message }

func configError(format string, args ...any) error {
	return &startError{reason: reasonConfig, message: fmt.Sprintf(format, args...), config: true}
}

// start is the starting goroutine: what the pod needs, then the sandbox, then the containers in order. A cancelled
// ctx (the pod is to be stopped) ends it at its next step; a CRI call under way is always completed, so that nothing
// is created without anybody knowing.
func (w *worker) start(ctx context.Context, pod *v1.Pod, p plan.Plan, resync bool) error {
	if err := w.prepare(ctx, pod, resync); err != nil {
		return err
	}
	if p.ResetSandbox {
		w.event(pod, "", v1.EventTypeNormal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
		if err := w.resetSandbox(ctx, pod); err != nil {
			return err
		}
	}
	if p.CreateSandbox {
		return w.createSandbox(ctx, pod, p.SandboxAttempt)
	}
	observed := w.m.cfg.Observer.Get(w.uid)
	sandbox := observed.ReadySandbox()
	if sandbox == nil {
		return nil
	}
	if len(p.Resize) > 0 {
		if err := w.applyResize(ctx, pod, p.Resize); err != nil {
			return err
		}
	} else if w.growing() && len(p.Start) > 0 {
		// Containers that are restarted for their resize need the room, too.
		if err := w.m.cfg.Cgroups.GrowPod(ctx, pod); err != nil {
			return fmt.Errorf("growing the pod's cgroup: %w", err)
		}
	}
	if err := w.finishResize(ctx, pod); err != nil {
		return err
	}
	for _, s := range p.Start {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := w.startContainer(ctx, pod, s, sandbox)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.noteStart(pod, s, err)
	}
	return nil
}

func (w *worker) growing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.resizing
}

// prepare sees to everything that must be there before the sandbox. Idempotent, and cheap once done.
func (w *worker) prepare(ctx context.Context, pod *v1.Pod, resync bool) error {
	w.m.cfg.Objects.Register(pod)
	w.mu.Lock()
	mounted := w.mounted
	w.mu.Unlock()
	if mounted && !resync {
		return nil
	}
	if resync && mounted {
		if err := w.m.cfg.Volumes.Resync(ctx, pod); err != nil && ctx.Err() == nil {
			// What was written before stays in use: no reason to hold containers back.
			klog.FromContext(ctx).V(1).Info("Writing volumes again; trying once more later", "err", err)
			w.mu.Lock()
			w.resync, w.resyncAt = true, w.m.cfg.Clock.Now().Add(resyncRetry)
			w.mu.Unlock()
		}
		return nil
	}
	if _, err := w.cgroup(ctx, pod); err != nil {
		w.event(pod, "", v1.EventTypeWarning, "FailedCreatePodContainer", "unable to ensure pod container exists: "+err.Error())
		return err
	}
	if err := w.makeDirs(pod); err != nil {
		return err
	}
	if err := w.m.cfg.Volumes.Mount(ctx, pod); err != nil {
		return fmt.Errorf("mounting volumes: %w", err)
	}
	w.mu.Lock()
	w.mounted = true
	w.mu.Unlock()
	return nil
}

// resetSandbox stops a dead sandbox and whatever still lives in it.
func (w *worker) resetSandbox(ctx context.Context, pod *v1.Pod) error {
	observed := w.m.cfg.Observer.Get(w.uid)
	for _, c := range observed.Containers {
		if !c.Running() {
			continue
		}
		if err := w.stopContainer(ctx, pod, c, leastGrace, "Stopping container "+c.Name); err != nil {
			return err
		}
	}
	for _, s := range observed.Sandboxes {
		if err := w.m.cfg.Runtime.StopPodSandbox(ctx, s.Id); err != nil && !notFound(err) {
			return fmt.Errorf("stopping sandbox %s: %w", s.Id, err)
		}
	}
	return nil
}

func (w *worker) createSandbox(ctx context.Context, pod *v1.Pod, attempt uint32) error {
	fail := func(err error) error {
		w.event(pod, "", v1.EventTypeWarning, "FailedCreatePodSandBox", "Failed to create pod sandbox: "+err.Error())
		return fmt.Errorf("creating sandbox: %w", err)
	}
	config, err := w.sandboxConfig(ctx, pod, attempt)
	if err != nil {
		return fail(err)
	}
	handler, err := w.runtimeHandler(ctx, pod)
	if err != nil {
		return fail(err)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// Completed even when the pod is to be stopped meanwhile: half a sandbox would leak its network.
	id, err := w.m.cfg.Runtime.RunPodSandbox(context.WithoutCancel(ctx), config, handler)
	if err != nil {
		return fail(err)
	}
	klog.FromContext(ctx).V(3).Info("Created sandbox", "sandbox", id)
	_, err = w.m.cfg.Observer.Refresh(context.WithoutCancel(ctx), w.uid)
	return err
}

func (w *worker) runtimeHandler(ctx context.Context, pod *v1.Pod) (string, error) {
	if pod.Spec.RuntimeClassName == nil || *pod.Spec.RuntimeClassName == "" {
		return "", nil
	}
	return w.m.cfg.RuntimeHandler(ctx, *pod.Spec.RuntimeClassName)
}

// noteStart remembers how a start went: for the status, and for when to try again.
func (w *worker) noteStart(pod *v1.Pod, s plan.Start, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		delete(w.failed, s.Name)
		if s.BackOff != nil {
			w.backoffs[s.Name] = *s.BackOff
		}
		return
	}
	f := w.failed[s.Name]
	f.count++
	delay := retryDelay(f.count + 1)
	var se *startError
	if ie := image.AsError(err); ie != nil {
		f.waiting = waiting{Reason: ie.Reason, Message: ie.Message}
		delay = ie.RetryAfter
		if ie.Reason == image.ReasonErrImagePull {
			// Looked at again soon only to show that it is backing off.
			delay = min(delay, time.Second)
		}
		if delay == 0 {
			delay = forever
		}
		f.config = true // a pull secret that appears may help
	} else if errors.As(err, &se) {
		f.waiting = waiting{Reason: se.reason, Message: se.message}
		f.config = se.config
		if se.reason == reasonRun || se.reason == reasonPostStart {
			// The attempt is on record with the runtime, which counts for the restart back-off.
			delay = 0
			if s.BackOff != nil {
				w.backoffs[s.Name] = *s.BackOff
			}
		}
	} else {
		f.waiting = waiting{Reason: reasonCreate, Message: err.Error()}
	}
	f.until = w.m.cfg.Clock.Now().Add(delay)
	w.failed[s.Name] = f
}

// startContainer pulls, creates and starts one container, and runs its postStart hook.
func (w *worker) startContainer(ctx context.Context, pod *v1.Pod, s plan.Start, sandbox *runtimeapi.PodSandboxStatus) error {
	c, _ := specOf(pod, s.Name)
	if c == nil {
		return nil
	}
	failed := func(err error) error {
		var se *startError
		message := err.Error()
		if errors.As(err, &se) {
			message = se.message
		}
		w.event(pod, s.Name, v1.EventTypeWarning, "Failed", "Error: "+message)
		return err
	}
	attempt := w.attempt(s)
	sandboxConfig, err := w.sandboxConfig(ctx, pod, sandboxAttempt(sandbox))
	if err != nil {
		return failed(configError("%v", err))
	}
	handler, err := w.runtimeHandler(ctx, pod)
	if err != nil {
		return failed(configError("%v", err))
	}
	ref, err := w.m.cfg.Images.Ensure(ctx, image.Request{Pod: pod, Container: s.Name, Image: c.Image,
		Policy: c.ImagePullPolicy, RuntimeHandler: handler, Sandbox: sandboxConfig})
	if err != nil {
		if e := image.AsError(err); e != nil {
			w.event(pod, s.Name, v1.EventTypeWarning, "Failed", "Error: "+e.Reason)
		}
		return err
	}
	volumes, err := w.pullVolumes(ctx, pod, c, handler, sandboxConfig)
	if err != nil {
		if e := image.AsError(err); e != nil {
			w.event(pod, s.Name, v1.EventTypeWarning, "Failed", "Error: "+e.Reason)
		}
		return err
	}
	config, err := w.containerConfig(ctx, pod, c, s.Kind, attempt, ref, handler)
	if err != nil {
		return failed(err)
	}
	nameImages(config.Mounts, volumes, handler)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return w.createAndStart(ctx, pod, c, s, sandbox.Id, config, sandboxConfig, failed)
}

func (w *worker) createAndStart(ctx context.Context, pod *v1.Pod, c *v1.Container, s plan.Start, sandbox string,
	config *runtimeapi.ContainerConfig, sandboxConfig *runtimeapi.PodSandboxConfig, failed func(error) error) error {
	whole := context.WithoutCancel(ctx) // created and started, or neither
	id, err := w.m.cfg.Runtime.CreateContainer(whole, sandbox, config, sandboxConfig)
	if err != nil {
		return failed(&startError{reason: reasonCreate, message: plain(err)})
	}
	w.event(pod, s.Name, v1.EventTypeNormal, "Created", "Container created")
	hook := c.Lifecycle != nil && c.Lifecycle.PostStart != nil
	if hook {
		w.setHook(id, true)
		defer w.setHook(id, false)
	}
	if err := w.m.cfg.Runtime.StartContainer(whole, id); err != nil {
		_, _ = w.m.cfg.Observer.Refresh(whole, w.uid)
		return failed(&startError{reason: reasonRun, message: plain(err)})
	}
	w.event(pod, s.Name, v1.EventTypeNormal, "Started", "Container started")
	w.mu.Lock()
	delete(w.failed, s.Name)
	w.mu.Unlock()
	w.addLink(pod, c, id, config)
	observed, err := w.m.cfg.Observer.Refresh(whole, w.uid)
	if err != nil {
		return err
	}
	if !hook {
		return nil
	}
	o := observed.ByID(id)
	if o == nil {
		o = &observe.Container{ID: id, Name: c.Name}
	}
	if err := w.runHook(ctx, pod, o, c.Lifecycle.PostStart); err != nil && ctx.Err() == nil {
		w.event(pod, s.Name, v1.EventTypeWarning, "FailedPostStartHook", "PostStartHook failed")
		_ = w.stopContainer(ctx, pod, o, probeGrace(pod, o, ""), "FailedPostStartHook")
		_, _ = w.m.cfg.Observer.Refresh(whole, w.uid)
		return &startError{reason: reasonPostStart, message: err.Error()}
	}
	return nil
}

func (w *worker) setHook(id string, running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if running {
		w.hooks[id] = true
		return
	}
	delete(w.hooks, id)
}

// attempt is the plan's, unless earlier attempts are on disk but not with the runtime any more: a log is never
// written over.
func (w *worker) attempt(s plan.Start) uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	attempt := s.Attempt
	for _, list := range [][]v1.ContainerStatus{w.status.ContainerStatuses, w.status.InitContainerStatuses} {
		for i := range list {
			if list[i].Name == s.Name && uint32(list[i].RestartCount) > attempt {
				attempt = uint32(list[i].RestartCount)
			}
		}
	}
	return attempt
}

func sandboxAttempt(s *runtimeapi.PodSandboxStatus) uint32 {
	if s.Metadata == nil {
		return 0
	}
	return s.Metadata.Attempt
}
