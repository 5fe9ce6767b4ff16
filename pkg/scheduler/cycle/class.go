package cycle

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
	"tiphys.dev/tiphys/pkg/scheduler/profile"
)

const (
	// maxClasses bounds the shapes kept; each costs some forty bytes a node.
	maxClasses = 64
	// maxSeen bounds the shapes remembered to have come once.
	maxSeen = 4096
)

// class keeps what the node-local plugins say of pods with one signature, for every node.
type class struct {
	prof *profile.Profile
	// pod stands for all of its shape; state is what the local plugins' PreFilter and PreScore left for it.
	pod   *v1.Pod
	state *profile.CycleState

	filters []fwk.FilterPlugin
	scorers []*classScorer

	version  int64
	position int64
	// status is nil where the pod fits, total closed where it does not.
	status []*fwk.Status
	total  []int64
	// refused counts nodes by refusing plugin.
	refused  map[string]int
	feasible int
	// list are the fitting nodes; fresh is false when it has to be made again.
	list    []fwk.NodeInfo
	listPos []int32
	fresh   bool
	message string
	used    int64
}

// classScorer keeps one plugin's scores.
type classScorer struct {
	plugin fwk.ScorePlugin
	weight int64
	raw    []int64
	norm   []int64
	// stale tells that normalized scores have to be computed again.
	normalizes, stale bool
	// uniform is true while all fitting nodes have the raw score value: normalizing gives one result for all then,
	// whichever nodes there are.
	uniform bool
	value   int64
	any     bool
}

type classTable struct {
	byKey map[string]*class
	seen  map[string]struct{}
	clock int64
}

func newClassTable() classTable {
	return classTable{byKey: map[string]*class{}, seen: map[string]struct{}{}}
}

// classFor returns the up-to-date class of the pod, or nil when it has to be looked at by itself: it cannot be signed, an extender
// has a say, or it is the first of its shape, for which looking at all nodes would be wasted.
func (c *Cycle) classFor(ctx context.Context, a *attempt) *class {
	for _, extender := range c.cfg.Extenders {
		if extender.IsInterested(a.object()) {
			return nil
		}
	}
	if !a.pod.SignatureSet {
		a.pod.Signature, a.pod.SignatureSet = a.profile.SignLocal(ctx, a.object()), true
	}
	if a.pod.Signature == "" {
		return nil
	}
	t := &c.classes
	t.clock++
	key := a.profile.ProfileName() + "\x00" + a.pod.Signature
	found, ok := t.byKey[key]
	if !ok {
		if _, twice := t.seen[key]; !twice {
			if len(t.seen) >= maxSeen {
				clear(t.seen)
			}
			t.seen[key] = struct{}{}
			return nil
		}
		if found = c.newClass(ctx, a); found == nil {
			return nil
		}
		t.evict()
		t.byKey[key] = found
	}
	found.used = t.clock
	if found.bring(ctx, c) != nil {
		delete(t.byKey, key)
		return nil
	}
	return found
}

func (t *classTable) evict() {
	if len(t.byKey) < maxClasses {
		return
	}
	oldest, at := "", int64(-1)
	for key, one := range t.byKey {
		if at < 0 || one.used < at {
			oldest, at = key, one.used
		}
	}
	delete(t.byKey, oldest)
}

// newClass runs the local plugins' preparation. Nil when they restrict the nodes or refuse: such pods are cheap anyway.
func (c *Cycle) newClass(ctx context.Context, a *attempt) *class {
	k := &class{prof: a.profile, pod: a.object(), state: profile.NewCycleState(), version: -1}
	outcome := a.profile.RunPreFilterPlugins(ctx, k.state, k.pod, a.profile.IsLocal)
	if !outcome.Status.IsSuccess() || !outcome.Result.AllNodes() {
		return nil
	}
	if status := a.profile.RunPreScore(ctx, k.state, k.pod, c.cfg.Snapshot.ListAll(), a.profile.IsLocal); !status.IsSuccess() {
		return nil
	}
	filters, _, scorers, _ := a.profile.Split()
	for _, plugin := range filters {
		if !k.state.GetSkipFilterPlugins().Has(plugin.Name()) {
			k.filters = append(k.filters, plugin)
		}
	}
	for _, plugin := range scorers {
		if !k.state.GetSkipScorePlugins().Has(plugin.Name()) {
			k.scorers = append(k.scorers, &classScorer{plugin: plugin, weight: a.profile.Weight(plugin.Name()), normalizes: plugin.ScoreExtensions() != nil})
		}
	}
	return k
}

// bring looks again at the nodes that changed since last time.
func (k *class) bring(ctx context.Context, c *Cycle) error {
	s := c.cfg.Snapshot
	changed, ok := s.ChangedSince(k.position)
	if k.version != s.Version() || !ok || len(changed) > s.Len() {
		return k.rebuild(ctx, c)
	}
	for _, slot := range changed {
		if err := k.look(ctx, s, int(slot)); err != nil {
			return err
		}
		k.message = ""
	}
	k.position = s.Position()
	return k.normalize(ctx, s)
}

func (k *class) rebuild(ctx context.Context, c *Cycle) error {
	s := c.cfg.Snapshot
	n := s.Len()
	k.status, k.total, k.listPos = make([]*fwk.Status, n), make([]int64, n), make([]int32, n)
	k.refused, k.feasible, k.fresh, k.message = map[string]int{}, 0, false, ""
	for _, scorer := range k.scorers {
		scorer.raw, scorer.norm = make([]int64, n), make([]int64, n)
		scorer.any, scorer.uniform, scorer.stale = false, true, true
	}
	verdicts := make([]*fwk.Status, n)
	errs := make([]error, n)
	c.cfg.Parallelizer.Until(ctx, n, func(slot int) {
		verdicts[slot], errs[slot] = k.evaluate(ctx, s.At(slot), slot)
	}, "class")
	for slot := range n {
		if errs[slot] != nil {
			return errs[slot]
		}
		k.settle(slot, nil, verdicts[slot], true)
	}
	k.version, k.position = s.Version(), s.Position()
	return k.normalize(ctx, s)
}

// evaluate runs the plugins for one node and stores raw scores.
func (k *class) evaluate(ctx context.Context, info *cache.NodeInfo, slot int) (*fwk.Status, error) {
	status := k.prof.RunFilters(ctx, k.state, k.pod, info, k.filters)
	if status.IsError() {
		return nil, status.AsError()
	}
	if !status.IsSuccess() {
		return status, nil
	}
	for _, scorer := range k.scorers {
		score, status := scorer.plugin.Score(ctx, k.state, k.pod, info)
		if !status.IsSuccess() {
			return nil, status.AsError()
		}
		scorer.raw[slot] = score
	}
	return nil, nil
}

func (k *class) look(ctx context.Context, s *cache.Snapshot, slot int) error {
	before := k.status[slot]
	old := make([]int64, 0, 8)
	for _, scorer := range k.scorers {
		old = append(old, scorer.raw[slot])
	}
	status, err := k.evaluate(ctx, s.At(slot), slot)
	if err != nil {
		return err
	}
	if before != nil {
		k.refused[before.Plugin()]--
	} else {
		k.feasible--
	}
	k.settle(slot, old, status, before != nil)
	if before == nil && status == nil {
		if k.fresh {
			k.list[k.listPos[slot]] = s.At(slot)
		}
	} else if before == nil || status == nil {
		k.fresh = false
	}
	return nil
}

// settle records the verdict on a node, and what it means for normalized scores.
func (k *class) settle(slot int, old []int64, status *fwk.Status, wasRefused bool) {
	k.status[slot] = status
	if status != nil {
		k.total[slot] = closed
		k.refused[status.Plugin()]++
		for _, scorer := range k.scorers {
			// A node less changes what others are compared with, unless all are alike.
			if scorer.normalizes && !scorer.uniform && !wasRefused {
				scorer.stale = true
			}
		}
		return
	}
	k.feasible++
	for i, scorer := range k.scorers {
		raw := scorer.raw[slot]
		if !scorer.normalizes {
			scorer.norm[slot] = raw
			continue
		}
		if !scorer.any {
			scorer.any, scorer.value, scorer.stale = true, raw, true
		}
		if raw != scorer.value {
			scorer.uniform = false
		}
		if !scorer.uniform && (wasRefused || old == nil || old[i] != raw) {
			scorer.stale = true
		}
	}
	k.sum(slot)
}

func (k *class) sum(slot int) {
	total := int64(0)
	for _, scorer := range k.scorers {
		total += scorer.norm[slot] * scorer.weight
	}
	k.total[slot] = total
}

// normalize computes again what got stale.
func (k *class) normalize(ctx context.Context, s *cache.Snapshot) error {
	again := false
	for _, scorer := range k.scorers {
		if !scorer.normalizes || !scorer.stale {
			continue
		}
		again = true
		if err := scorer.normalizeAll(ctx, k, s); err != nil {
			return err
		}
	}
	if again {
		for slot := range k.total {
			if k.status[slot] == nil {
				k.sum(slot)
			}
		}
	}
	return nil
}

func (r *classScorer) normalizeAll(ctx context.Context, k *class, s *cache.Snapshot) error {
	scores := make(fwk.NodeScoreList, 0, k.feasible)
	uniform := true
	for slot := range k.status {
		if k.status[slot] == nil {
			scores = append(scores, fwk.NodeScore{Name: s.At(slot).Node().Name, Score: r.raw[slot]})
			uniform = uniform && r.raw[slot] == scores[0].Score
		}
	}
	r.uniform, r.stale = uniform, false
	if len(scores) == 0 {
		r.any = false
		return nil
	}
	r.value, r.any = scores[0].Score, true
	if status := k.prof.Normalize(ctx, r.plugin, k.state, k.pod, scores); !status.IsSuccess() {
		return status.AsError()
	}
	if uniform {
		// Nodes that join later with the same raw score get the same result without another pass.
		for slot := range r.norm {
			r.norm[slot] = scores[0].Score
		}
		return nil
	}
	i := 0
	for slot := range k.status {
		if k.status[slot] == nil {
			r.norm[slot] = scores[i].Score
			i++
		}
	}
	return nil
}

// nodes returns the fitting nodes by slot.
func (k *class) nodes(s *cache.Snapshot) []fwk.NodeInfo {
	if !k.fresh {
		k.list = make([]fwk.NodeInfo, 0, k.feasible)
		for slot := range k.status {
			if k.status[slot] == nil {
				k.listPos[slot] = int32(len(k.list))
				k.list = append(k.list, s.At(slot))
			}
		}
		k.fresh = true
	}
	return k.list
}
