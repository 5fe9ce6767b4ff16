package cache

import (
	"sort"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
)

// maxCounters bounds how many selectors are followed at a time; the least recently asked goes first.
const maxCounters = 512

// Counter counts the pods with a node that match a selector in some namespaces.
type Counter struct {
	namespaces sets.Set[string]
	selector   labels.Selector
	column     *Column

	perNode  []int32
	perValue []int32
	total    int64
	position int64
	edits    int64
	used     int64
	skipGone bool
}

type counterTable struct {
	byKey map[string]*Counter
	clock int64
}

func (t *counterTable) reset() { t.byKey = map[string]*Counter{} }

// CounterOptions say what a Counter counts.
type CounterOptions struct {
	// Namespaces the pods must be in.
	Namespaces sets.Set[string]
	Selector   labels.Selector
	// TopologyKey groups nodes for PerValue; without one only PerNode is kept.
	TopologyKey string
	// SkipTerminating leaves out pods that are being deleted.
	SkipTerminating bool
}

func (o *CounterOptions) key() string {
	names := o.Namespaces.UnsortedList()
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name)
		b.WriteByte(',')
	}
	b.WriteByte('|')
	b.WriteString(o.Selector.String())
	b.WriteByte('|')
	b.WriteString(o.TopologyKey)
	if o.SkipTerminating {
		b.WriteString("|-")
	}
	return b.String()
}

// Counter returns the counter for what options say, up to date.
func (s *Snapshot) Counter(options CounterOptions) *Counter {
	key := options.key()
	t := &s.counters
	if t.byKey == nil {
		t.reset()
	}
	t.clock++
	counter, ok := t.byKey[key]
	if !ok {
		t.evict()
		counter = &Counter{namespaces: options.Namespaces, selector: options.Selector, skipGone: options.SkipTerminating, position: -1}
		t.byKey[key] = counter
	}
	counter.used = t.clock
	if options.TopologyKey != "" {
		counter.column = s.Column(options.TopologyKey)
	}
	counter.catchUp(s)
	return counter
}

func (t *counterTable) evict() {
	if len(t.byKey) < maxCounters {
		return
	}
	oldest, at := "", int64(-1)
	for key, counter := range t.byKey {
		if at < 0 || counter.used < at {
			oldest, at = key, counter.used
		}
	}
	delete(t.byKey, oldest)
}

func (c *Counter) catchUp(s *Snapshot) {
	changed, ok := s.ChangedSince(c.position)
	if c.position < 0 || !ok || (c.column != nil && c.column.edits != c.edits) {
		c.rebuild(s)
		return
	}
	if c.column != nil {
		for len(c.perValue) < c.column.Size() {
			c.perValue = append(c.perValue, 0)
		}
	}
	for _, slot := range changed {
		c.set(int(slot), c.countOn(s.infos[slot]))
	}
	c.position = s.Position()
}

func (c *Counter) rebuild(s *Snapshot) {
	c.perNode = make([]int32, len(s.infos))
	c.total = 0
	if c.column != nil {
		c.perValue = make([]int32, c.column.Size())
		c.edits = c.column.edits
	}
	for slot, info := range s.infos {
		c.set(slot, c.countOn(info))
	}
	c.position = s.Position()
}

func (c *Counter) set(slot int, count int32) {
	delta := count - c.perNode[slot]
	if delta == 0 {
		return
	}
	c.perNode[slot] = count
	c.total += int64(delta)
	if c.column != nil {
		if id := c.column.ids[slot]; id != NoValue {
			c.perValue[id] += delta
		}
	}
}

func (c *Counter) countOn(info *NodeInfo) int32 {
	var count int32
	for _, pod := range info.pods {
		if c.Matches(pod.GetPod()) {
			count++
		}
	}
	return count
}

// Matches tells whether a pod counts.
func (c *Counter) Matches(pod *v1.Pod) bool {
	return c.namespaces.Has(pod.Namespace) && !(c.skipGone && pod.DeletionTimestamp != nil) && c.selector.Matches(labels.Set(pod.Labels))
}

// PerNode is the count by slot, PerValue by value id of the topology key; do not change them.
func (c *Counter) PerNode() []int32  { return c.perNode }
func (c *Counter) PerValue() []int32 { return c.perValue }

// Column is that of the topology key, nil without one.
func (c *Counter) Column() *Column { return c.column }

// Total counts all nodes, PerValue's sum only those that have the topology key.
func (c *Counter) Total() int64 { return c.total }
