package cycle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
	"tiphys.dev/tiphys/pkg/scheduler/metrics"
	"tiphys.dev/tiphys/pkg/scheduler/profile"
	"tiphys.dev/tiphys/pkg/scheduler/queue"
)

// Config is what the cycle works with.
type Config struct {
	Queue     *queue.Queue
	Cache     *cache.Cache
	Snapshot  *cache.Snapshot
	Nominator *queue.Nominator
	Profiles  map[string]*profile.Profile
	Extenders []fwk.Extender
	// PercentageOfNodesToScore unless the profile has its own.
	PercentageOfNodesToScore int32
	// WriteStatus writes condition and nomination of a pod that found no node; it must not block.
	WriteStatus  func(pod *v1.Pod, condition *v1.PodCondition, nominating *fwk.NominatingInfo)
	Parallelizer profile.Parallelizer
	Metrics      *metrics.Metrics
	Clock        clock.Clock
	Logger       klog.Logger
	// Seed makes the choice among equals repeatable in tests; 0 is random.
	Seed uint64
}

// Cycle takes pods from the queue one by one.
type Cycle struct {
	cfg       Config
	random    *rand.Rand
	nextStart int
	classes   classTable
	binding   sync.WaitGroup
}

// New checks the configuration.
func New(cfg Config) (*Cycle, error) {
	if cfg.Queue == nil || cfg.Cache == nil || cfg.Snapshot == nil || cfg.Nominator == nil || len(cfg.Profiles) == 0 ||
		cfg.WriteStatus == nil || cfg.Metrics == nil || cfg.Clock == nil {
		return nil, errors.New("the scheduling cycle lacks a part of its configuration")
	}
	seed := cfg.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	return &Cycle{cfg: cfg, random: rand.New(rand.NewPCG(seed, seed)), classes: newClassTable()}, nil
}

// Run schedules until the queue is closed, then waits for bindings under way.
func (c *Cycle) Run(ctx context.Context) error {
	defer c.binding.Wait()
	for {
		pod, err := c.cfg.Queue.Pop()
		if errors.Is(err, queue.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("taking a pod from the scheduling queue: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		c.Schedule(ctx, pod)
	}
}

// Wait blocks until no binding is under way.
func (c *Cycle) Wait() { c.binding.Wait() }

// attempt is one try to schedule one pod.
type attempt struct {
	pod     *queue.PodInfo
	profile *profile.Profile
	state   *profile.CycleState
	start   time.Time
}

func (a *attempt) object() *v1.Pod { return a.pod.Object() }

// Schedule makes one attempt for a popped pod.
func (c *Cycle) Schedule(ctx context.Context, pod *queue.PodInfo) {
	object := pod.Object()
	prof, ok := c.cfg.Profiles[object.Spec.SchedulerName]
	if !ok || c.cfg.Cache.GetPod(object.UID) != nil {
		// Somebody gave it a node, or we did and the update came late.
		c.cfg.Queue.Done(object.UID)
		return
	}
	if object.DeletionTimestamp != nil {
		prof.EventRecorder().Eventf(object, nil, v1.EventTypeWarning, "FailedScheduling", "Scheduling", "skip schedule deleting pod: %v/%v", object.Namespace, object.Name)
		c.cfg.Queue.Done(object.UID)
		return
	}
	a := &attempt{pod: pod, profile: prof, state: profile.NewCycleState(), start: c.cfg.Clock.Now()}
	c.cfg.Cache.Refresh(c.cfg.Snapshot)
	node, err := c.find(ctx, a)
	if err != nil {
		c.notFound(ctx, a, err)
		return
	}
	c.cfg.Metrics.AlgorithmDuration.Observe(c.cfg.Clock.Since(a.start).Seconds())
	c.place(ctx, a, node)
}

// find returns the name of the best node for the pod.
func (c *Cycle) find(ctx context.Context, a *attempt) (string, error) {
	if c.cfg.Snapshot.Len() == 0 {
		return "", ErrNoNodes
	}
	if shared := c.classFor(ctx, a); shared != nil {
		return c.findInClass(ctx, a, shared)
	}
	return c.findAnew(ctx, a)
}

// notFound handles a pod that found no node: plugins may make room, then the pod goes back to the queue.
func (c *Cycle) notFound(ctx context.Context, a *attempt, err error) {
	var fit *FitError
	if !errors.As(err, &fit) {
		if errors.Is(err, ErrNoNodes) {
			// No plugin refused the pod, but each may have something to say of the first node: any of them may wake it.
			waitsFor := sets.New[string]()
			for _, plugin := range a.profile.FilterPlugins() {
				waitsFor.Insert(plugin.Name())
			}
			c.fail(ctx, a, failure{status: fwk.NewStatus(fwk.Unschedulable).WithError(err), message: err.Error(), unschedulable: waitsFor})
			return
		}
		c.fail(ctx, a, failure{status: fwk.AsStatus(err), message: err.Error()})
		return
	}
	f := failure{status: fwk.NewStatus(fwk.Unschedulable), unschedulable: fit.Unschedulable, pending: fit.Pending}
	if a.profile.HasPostFilter() {
		result, status := a.profile.RunPostFilterPlugins(ctx, a.state, a.object(), fit.Statuses)
		fit.PostFilter = status.Message()
		if status.IsError() {
			c.cfg.Logger.Error(status.AsError(), "Making room for a pod failed", "pod", klog.KObj(a.object()))
		}
		if result != nil {
			f.nominating = result.NominatingInfo
		}
	}
	f.message = fit.Error()
	c.fail(ctx, a, f)
}
