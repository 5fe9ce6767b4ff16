package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	componentmetrics "k8s.io/component-base/metrics"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	schedcache "tiphys.dev/tiphys/pkg/scheduler/cache"
	"tiphys.dev/tiphys/pkg/scheduler/config"
	"tiphys.dev/tiphys/pkg/scheduler/cycle"
	"tiphys.dev/tiphys/pkg/scheduler/extender"
	"tiphys.dev/tiphys/pkg/scheduler/metrics"
	"tiphys.dev/tiphys/pkg/scheduler/plugins"
	"tiphys.dev/tiphys/pkg/scheduler/profile"
	"tiphys.dev/tiphys/pkg/scheduler/queue"
)

// Config is what a scheduler is built from.
type Config struct {
	// Client writes bindings, conditions and evictions. Required.
	Client clientset.Interface
	// RESTConfig is handed to plugins that make clients of their own; may be nil.
	RESTConfig *restclient.Config
	// Informers is the process's factory. Required. New asks it for what plugins need; the caller starts it after New,
	// unless StartInformers is set.
	Informers informers.SharedInformerFactory
	// DynamicInformers serves plugins that wait for events of custom resources; may be nil when none does.
	DynamicInformers dynamicinformer.DynamicSharedInformerFactory
	// StartInformers makes Run start the factories.
	StartInformers bool
	// Scheduling is how to schedule; nil means the default. It need not be completed.
	Scheduling *configv1.KubeSchedulerConfiguration
	// OutOfTree adds plugins to the table.
	OutOfTree profile.Registry
	// Broadcaster takes events. Nil means one that writes through Client.
	Broadcaster events.EventBroadcaster
	// MaxUnschedulable is how long a pod waits for an event before it is tried anyhow; 0 means five minutes.
	MaxUnschedulable time.Duration
	// Registry takes the metrics; nil means a registry of the scheduler's own.
	Registry componentmetrics.KubeRegistry
	// Clock is the real one when nil.
	Clock clock.WithTickerAndDelayedExecution
	// Logger says where to log; the zero value logs nothing.
	Logger klog.Logger
	// Seed makes choices among equals repeatable; 0 is random.
	Seed uint64
}

// Scheduler gives pods nodes.
type Scheduler struct {
	cfg        Config
	scheduling *configv1.KubeSchedulerConfiguration

	cache     *schedcache.Cache
	queue     *queue.Queue
	nominator *queue.Nominator
	cycle     *cycle.Cycle
	status    *cycle.StatusWriter
	profiles  map[string]*profile.Profile
	metrics   *metrics.Metrics
	shared    *plugins.Shared
	hints     map[string]*queue.Hints
	synced    []cache.InformerSynced
}

// New checks the configuration and builds a scheduler.
func New(ctx context.Context, cfg Config) (*Scheduler, error) {
	if cfg.Client == nil || cfg.Informers == nil {
		return nil, errors.New("a scheduler needs a client and informers")
	}
	s := &Scheduler{cfg: cfg, profiles: map[string]*profile.Profile{}, hints: map[string]*queue.Hints{}}
	if err := s.complete(); err != nil {
		return nil, err
	}
	s.shared = plugins.NewShared(cfg.Informers)
	s.cache = schedcache.New(s.shared.Features())
	s.nominator = queue.NewNominator()
	snapshot := schedcache.NewSnapshot()
	extenders, err := extender.NewAll(s.scheduling.Extenders)
	if err != nil {
		return nil, err
	}
	if err := s.buildProfiles(ctx, snapshot, extenders); err != nil {
		return nil, err
	}
	if err := s.buildQueue(); err != nil {
		return nil, err
	}
	s.status = cycle.NewStatusWriter(s.cfg.Client, s.cfg.Clock, s.cfg.Logger)
	s.cycle, err = cycle.New(cycle.Config{
		Queue: s.queue, Cache: s.cache, Snapshot: snapshot, Nominator: s.nominator, Profiles: s.profiles, Extenders: extenders,
		PercentageOfNodesToScore: ptr.Deref(s.scheduling.PercentageOfNodesToScore, 0), WriteStatus: s.status.Write,
		Parallelizer: profile.NewParallelizer(int(*s.scheduling.Parallelism)), Metrics: s.metrics, Clock: s.cfg.Clock, Logger: s.cfg.Logger, Seed: cfg.Seed,
	})
	if err != nil {
		return nil, err
	}
	if err := s.addHandlers(); err != nil {
		return nil, fmt.Errorf("registering event handlers: %w", err)
	}
	return s, nil
}

func (s *Scheduler) complete() error {
	if s.cfg.Clock == nil {
		s.cfg.Clock = clock.RealClock{}
	}
	if s.cfg.MaxUnschedulable == 0 {
		s.cfg.MaxUnschedulable = 5 * time.Minute
	}
	if s.cfg.Registry == nil {
		s.cfg.Registry = componentmetrics.NewKubeRegistry()
	}
	if s.cfg.Broadcaster == nil {
		s.cfg.Broadcaster = events.NewBroadcaster(&events.EventSinkImpl{Interface: s.cfg.Client.EventsV1()})
	}
	s.scheduling = &configv1.KubeSchedulerConfiguration{}
	if s.cfg.Scheduling != nil {
		s.scheduling = s.cfg.Scheduling.DeepCopy()
	}
	if err := config.Complete(s.scheduling); err != nil {
		return err
	}
	if errs := config.Validate(s.scheduling); len(errs) > 0 {
		return fmt.Errorf("scheduler configuration: %w", errs.ToAggregate())
	}
	var err error
	s.metrics, err = metrics.New(s.cfg.Registry)
	return err
}

func (s *Scheduler) buildProfiles(ctx context.Context, snapshot *schedcache.Snapshot, extenders []fwk.Extender) error {
	registry := plugins.Table(s.shared)
	for name, factory := range s.cfg.OutOfTree {
		if _, taken := registry[name]; taken {
			return fmt.Errorf("plugin %s is in the table already", name)
		}
		registry[name] = factory
	}
	waiting := profile.NewWaiting()
	for _, one := range s.scheduling.Profiles {
		name := *one.SchedulerName
		built, err := profile.New(ctx, profile.Config{
			Profile: one, Registry: registry, Client: s.cfg.Client, RESTConfig: s.cfg.RESTConfig, Informers: s.cfg.Informers,
			Recorder: s.cfg.Broadcaster.NewRecorder(plugins.EventScheme(), name), Snapshot: snapshot, Nominator: s.nominator,
			Activator: activator{s}, Waiting: waiting, Extenders: extenders,
			Parallelizer: profile.NewParallelizer(int(*s.scheduling.Parallelism)),
			DRAManager:   s.shared.DRAManager(), CSIManager: s.shared.CSIManager(), Metrics: s.metrics, Clock: s.cfg.Clock,
		})
		if err != nil {
			return err
		}
		s.profiles[name] = built
		if s.hints[name], err = queue.NewHints(ctx, built.EnqueueExtensions(), built.Unhinted()); err != nil {
			return fmt.Errorf("profile %s: %w", name, err)
		}
	}
	return nil
}

func (s *Scheduler) buildQueue() error {
	var sorter fwk.QueueSortPlugin
	for _, one := range s.profiles {
		sorter = one.QueueSortPlugin()
	}
	var err error
	s.queue, err = queue.New(queue.Config{
		Less: sorter.Less,
		PreEnqueue: func(ctx context.Context, pod *v1.Pod) *fwk.Status {
			if one, ok := s.profiles[pod.Spec.SchedulerName]; ok {
				return one.RunPreEnqueue(ctx, pod)
			}
			return nil
		},
		Hints:            s.hints,
		InitialBackoff:   time.Duration(*s.scheduling.PodInitialBackoffSeconds) * time.Second,
		MaxBackoff:       time.Duration(*s.scheduling.PodMaxBackoffSeconds) * time.Second,
		MaxUnschedulable: s.cfg.MaxUnschedulable, Nominator: s.nominator, Metrics: s.metrics, Clock: s.cfg.Clock, Logger: s.cfg.Logger,
	})
	if err != nil {
		return err
	}
	s.nominator.SetGone(func(uid types.UID) bool { return s.cache.GetPod(uid) != nil && !s.cache.IsAssumed(uid) })
	return nil
}

// activator breaks the circle between profiles, whose plugins may activate pods, and the queue, which asks profiles.
type activator struct{ s *Scheduler }

func (a activator) Activate(logger klog.Logger, pods map[string]*v1.Pod) {
	a.s.queue.Activate(logger, pods)
}

// Scheduling is the completed configuration, for configz.
func (s *Scheduler) Scheduling() *configv1.KubeSchedulerConfiguration { return s.scheduling }

// Run schedules until ctx ends.
func (s *Scheduler) Run(ctx context.Context) error {
	if err := s.cfg.Broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		return fmt.Errorf("starting to record events: %w", err)
	}
	defer s.cfg.Broadcaster.Shutdown()
	if s.cfg.StartInformers {
		s.cfg.Informers.StartWithContext(ctx)
		if s.cfg.DynamicInformers != nil {
			s.cfg.DynamicInformers.Start(ctx.Done())
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	// Bindings under way are finished even though ctx has ended; they get their own.
	defer s.status.Close()
	// Plugins read more than there are handlers for.
	s.cfg.Informers.WaitForCacheSync(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), s.synced...) {
		return nil
	}
	wg.Go(func() { _ = s.queue.Run(ctx) })
	err := s.cycle.Run(ctx)
	s.queue.Close()
	return err
}

// Healthy tells whether all informers are in sync, for readiness.
func (s *Scheduler) Healthy() error {
	for _, synced := range s.synced {
		if !synced() {
			return errors.New("informers are not in sync yet")
		}
	}
	return nil
}
