package observe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/apimachinery/pkg/types"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
	kubelettypes "k8s.io/kubelet/pkg/types"
	"k8s.io/utils/clock"
)

// Config of an Observer.
type Config struct {
	Runtime internalapi.RuntimeService
	// OnChange is told each pod whose sandboxes or containers changed. It must not block.
	OnChange func(uid types.UID)
	// Relist is the period of the safety net while events flow; 0 means two minutes.
	Relist time.Duration
	// RelistWithoutEvents is the period when the runtime offers no events; 0 means one second.
	RelistWithoutEvents time.Duration
	Clock               clock.Clock
}

// Observer keeps the cache.
type Observer struct {
	cfg Config

	mu   sync.Mutex
	pods map[types.UID]*Pod
	// last is when a relist last succeeded: the health of the runtime as seen from here.
	last time.Time
	// busy holds one lock per pod being refreshed, so that two answers of the runtime are stored in the order asked.
	busy map[types.UID]*refreshing
}

type refreshing struct {
	mu    sync.Mutex
	users int
}

// New builds an Observer.
func New(cfg Config) (*Observer, error) {
	if cfg.Runtime == nil {
		return nil, fmt.Errorf("observer: no runtime")
	}
	if cfg.OnChange == nil {
		cfg.OnChange = func(types.UID) {}
	}
	if cfg.Relist == 0 {
		cfg.Relist = 2 * time.Minute
	}
	if cfg.RelistWithoutEvents == 0 {
		cfg.RelistWithoutEvents = time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	return &Observer{cfg: cfg, pods: map[types.UID]*Pod{}, busy: map[types.UID]*refreshing{}}, nil
}

// Get returns what is known of the pod; never nil.
func (o *Observer) Get(uid types.UID) *Pod {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.pods[uid]; p != nil {
		return p
	}
	return &Pod{UID: uid}
}

// All returns every pod the runtime has something of.
func (o *Observer) All() []*Pod {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Values(o.pods))
}

// LastRelist is when the runtime last answered a full list.
func (o *Observer) LastRelist() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}

// Run watches and relists until ctx ends.
func (o *Observer) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	relist := make(chan struct{}, 1)
	var live events
	wg.Go(func() { o.watch(ctx, &live, relist) })
	for {
		if err := o.Relist(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Listing what the container runtime runs")
		}
		period := o.cfg.Relist
		if !live.flowing() {
			period = o.cfg.RelistWithoutEvents
		}
		timer := o.cfg.Clock.NewTimer(period)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-relist:
		case <-timer.C():
		}
		timer.Stop()
	}
}

type events struct {
	mu sync.Mutex
	on bool
}

func (e *events) flowing() bool { e.mu.Lock(); defer e.mu.Unlock(); return e.on }
func (e *events) set(on bool)   { e.mu.Lock(); e.on = on; e.mu.Unlock() }

// watch keeps an event stream open. Each new stream asks for a relist, for what happened before it was open.
func (o *Observer) watch(ctx context.Context, live *events, relist chan<- struct{}) {
	for ctx.Err() == nil {
		ch := make(chan *runtimeapi.ContainerEventResponse, 256)
		var wg sync.WaitGroup
		wg.Go(func() {
			for e := range ch {
				o.handle(ctx, e)
			}
		})
		err := o.cfg.Runtime.GetContainerEvents(ctx, ch, func(runtimeapi.RuntimeService_GetContainerEventsClient) {
			live.set(true)
			select {
			case relist <- struct{}{}:
			default:
			}
		})
		close(ch)
		wg.Wait()
		live.set(false)
		if status.Code(err) == codes.Unimplemented {
			klog.FromContext(ctx).Info("The container runtime offers no events: relisting instead", "period", o.cfg.RelistWithoutEvents)
			return
		}
		if ctx.Err() != nil {
			return
		}
		klog.FromContext(ctx).V(2).Info("Container event stream ended; opening it again", "err", err)
		select {
		case <-ctx.Done():
		case <-o.cfg.Clock.After(time.Second):
		}
	}
}

func (o *Observer) handle(ctx context.Context, e *runtimeapi.ContainerEventResponse) {
	uid := types.UID("")
	if s := e.PodSandboxStatus; s != nil && s.Metadata != nil {
		uid = types.UID(s.Metadata.Uid)
	} else if len(e.ContainersStatuses) > 0 {
		uid = types.UID(e.ContainersStatuses[0].Labels[kubelettypes.KubernetesPodUIDLabel])
	} else {
		uid = o.owner(e.ContainerId)
	}
	if uid == "" {
		return
	}
	// In a goroutine of its own: one pod's slow answer must not hold up the events of all.
	go func() {
		if _, err := o.Refresh(ctx, uid); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).V(2).Info("Refreshing a pod after a container event", "uid", uid, "err", err)
		}
	}()
}

// owner finds the pod of a container or sandbox that the runtime no longer describes.
func (o *Observer) owner(id string) types.UID {
	o.mu.Lock()
	defer o.mu.Unlock()
	for uid, p := range o.pods {
		if p.ByID(id) != nil {
			return uid
		}
		for _, s := range p.Sandboxes {
			if s.Id == id {
				return uid
			}
		}
	}
	return ""
}

// Relist refreshes every pod that the runtime or the cache has.
func (o *Observer) Relist(ctx context.Context) error {
	sandboxes, err := o.cfg.Runtime.ListPodSandbox(ctx, nil)
	if err != nil {
		return fmt.Errorf("listing sandboxes: %w", err)
	}
	containers, err := o.cfg.Runtime.ListContainers(ctx, nil)
	if err != nil {
		return fmt.Errorf("listing containers: %w", err)
	}
	seen := map[types.UID]bool{}
	for _, s := range sandboxes {
		if s.Metadata != nil {
			seen[types.UID(s.Metadata.Uid)] = true
		}
	}
	for _, c := range containers {
		seen[types.UID(c.Labels[kubelettypes.KubernetesPodUIDLabel])] = true
	}
	delete(seen, "")
	for _, p := range o.All() {
		seen[p.UID] = true
	}
	for uid := range seen {
		if _, e := o.Refresh(ctx, uid); e != nil {
			err = e
		}
	}
	if err == nil {
		o.mu.Lock()
		o.last = o.cfg.Clock.Now()
		o.mu.Unlock()
	}
	return err
}

// Refresh asks the runtime about one pod, stores the answer, and tells OnChange when it differs.
func (o *Observer) Refresh(ctx context.Context, uid types.UID) (*Pod, error) {
	release := o.acquire(uid)
	defer release()
	old := o.Get(uid)
	fresh, err := o.ask(ctx, uid, old)
	if err != nil {
		return old, fmt.Errorf("asking the runtime about pod %s: %w", uid, err)
	}
	o.mu.Lock()
	if fresh.Empty() {
		delete(o.pods, uid)
	} else {
		o.pods[uid] = fresh
	}
	o.mu.Unlock()
	if differs(old, fresh) {
		o.cfg.OnChange(uid)
	}
	return fresh, nil
}

func (o *Observer) acquire(uid types.UID) (release func()) {
	o.mu.Lock()
	r := o.busy[uid]
	if r == nil {
		r = &refreshing{}
		o.busy[uid] = r
	}
	r.users++
	o.mu.Unlock()
	r.mu.Lock()
	return func() {
		r.mu.Unlock()
		o.mu.Lock()
		if r.users--; r.users == 0 {
			delete(o.busy, uid)
		}
		o.mu.Unlock()
	}
}

func (o *Observer) ask(ctx context.Context, uid types.UID, old *Pod) (*Pod, error) {
	p := &Pod{UID: uid, Namespace: old.Namespace, Name: old.Name, At: o.cfg.Clock.Now()}
	selector := map[string]string{kubelettypes.KubernetesPodUIDLabel: string(uid)}
	sandboxes, err := o.cfg.Runtime.ListPodSandbox(ctx, &runtimeapi.PodSandboxFilter{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	for _, s := range sandboxes {
		st, err := o.sandbox(ctx, s, old)
		if err != nil {
			return nil, err
		}
		if st == nil {
			continue
		}
		p.Sandboxes = append(p.Sandboxes, st)
		p.Namespace, p.Name = st.Metadata.Namespace, st.Metadata.Name
	}
	containers, err := o.cfg.Runtime.ListContainers(ctx, &runtimeapi.ContainerFilter{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	for _, c := range containers {
		if known := old.ByID(c.Id); known.Exited() && c.State == runtimeapi.ContainerState_CONTAINER_EXITED {
			p.Containers = append(p.Containers, known)
			continue
		}
		r, err := o.cfg.Runtime.ContainerStatus(ctx, c.Id, false)
		if status.Code(err) == codes.NotFound {
			continue // removed since the list
		}
		if err != nil {
			return nil, err
		}
		p.Containers = append(p.Containers, convert(r.Status, c.PodSandboxId))
		if p.Name == "" {
			p.Namespace, p.Name = kubelettypes.GetPodNamespace(c.Labels), kubelettypes.GetPodName(c.Labels)
		}
	}
	sort.SliceStable(p.Sandboxes, func(i, j int) bool { return p.Sandboxes[i].CreatedAt > p.Sandboxes[j].CreatedAt })
	sort.SliceStable(p.Containers, func(i, j int) bool { return p.Containers[i].CreatedAt.After(p.Containers[j].CreatedAt) })
	return p, nil
}

// sandbox asks for a sandbox's details, unless they are known and its state has not changed: a sandbox's addresses
// are fixed at its birth.
func (o *Observer) sandbox(ctx context.Context, s *runtimeapi.PodSandbox, old *Pod) (*runtimeapi.PodSandboxStatus, error) {
	for _, known := range old.Sandboxes {
		if known.Id == s.Id && known.State == s.State {
			return known, nil
		}
	}
	r, err := o.cfg.Runtime.PodSandboxStatus(ctx, s.Id, false)
	if status.Code(err) == codes.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.Status, nil
}

func differs(a, b *Pod) bool {
	if len(a.Sandboxes) != len(b.Sandboxes) || len(a.Containers) != len(b.Containers) {
		return true
	}
	for i := range a.Sandboxes {
		if a.Sandboxes[i].Id != b.Sandboxes[i].Id || a.Sandboxes[i].State != b.Sandboxes[i].State {
			return true
		}
	}
	for i := range a.Containers {
		if a.Containers[i].ID != b.Containers[i].ID || a.Containers[i].State != b.Containers[i].State {
			return true
		}
	}
	return false
}
