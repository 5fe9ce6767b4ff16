package cache

// NoValue is the id of a node that lacks the label.
const NoValue int32 = -1

// Column gives each node's value of one label as a small number, so that plugins count in slices instead of maps.
type Column struct {
	key      string
	ids      []int32
	values   []string
	byValue  map[string]int32
	position int64
	// edits counts nodes whose value changed; counters by value rebuild when it moved.
	edits int64
}

// Column returns the column of a label key, up to date. Preemption asks from many goroutines; only the first call after a
// Refresh does anything then.
func (s *Snapshot) Column(key string) *Column {
	s.columnLock.RLock()
	column, ok := s.columns[key]
	current := ok && column.position == s.Position()
	s.columnLock.RUnlock()
	if current {
		return column
	}
	s.columnLock.Lock()
	defer s.columnLock.Unlock()
	if column, ok = s.columns[key]; !ok {
		column = &Column{key: key, ids: make([]int32, len(s.infos)), byValue: map[string]int32{}, position: s.Position()}
		for slot := range s.infos {
			column.ids[slot] = column.idOfNode(s.infos[slot])
		}
		s.columns[key] = column
		return column
	}
	changed, ok := s.ChangedSince(column.position)
	if !ok {
		for slot := range s.infos {
			column.update(s, slot)
		}
	}
	for _, slot := range changed {
		column.update(s, int(slot))
	}
	column.position = s.Position()
	return column
}

func (c *Column) update(s *Snapshot, slot int) {
	if id := c.idOfNode(s.infos[slot]); id != c.ids[slot] {
		c.ids[slot] = id
		c.edits++
	}
}

func (c *Column) idOfNode(info *NodeInfo) int32 {
	value, ok := info.node.Labels[c.key]
	if !ok {
		return NoValue
	}
	id, ok := c.byValue[value]
	if !ok {
		id = int32(len(c.values))
		c.byValue[value] = id
		c.values = append(c.values, value)
	}
	return id
}

// ID returns the value id of the node in a slot, or NoValue.
func (c *Column) ID(slot int) int32 { return c.ids[slot] }

// IDs returns the ids by slot; do not change.
func (c *Column) IDs() []int32 { return c.ids }

// Size is one more than the largest id.
func (c *Column) Size() int { return len(c.values) }

// Value is the label value behind an id.
func (c *Column) Value(id int32) string { return c.values[id] }

// Of returns the id of a node's value wherever the NodeInfo came from; copies made for preemption keep their slot.
func (c *Column) Of(info *NodeInfo) int32 {
	if info.Slot >= 0 && info.Slot < len(c.ids) {
		return c.ids[info.Slot]
	}
	if value, ok := info.node.Labels[c.key]; ok {
		if id, ok := c.byValue[value]; ok {
			return id
		}
	}
	return NoValue
}
