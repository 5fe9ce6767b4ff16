package evictplan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Signal is a measure of the node.
type Signal string

// The signals.
const (
	MemoryAvailable      Signal = "memory.available"
	NodeFsAvailable      Signal = "nodefs.available"
	NodeFsInodesFree     Signal = "nodefs.inodesFree"
	ImageFsAvailable     Signal = "imagefs.available"
	ImageFsInodesFree    Signal = "imagefs.inodesFree"
	ContainerFsAvailable Signal = "containerfs.available"
	ContainerFsInodes    Signal = "containerfs.inodesFree"
	PIDAvailable         Signal = "pid.available"
)

// order is the order in which signals are dealt with: memory runs out fastest.
var order = []Signal{MemoryAvailable, PIDAvailable, NodeFsAvailable, NodeFsInodesFree, ImageFsAvailable, ImageFsInodesFree, ContainerFsAvailable, ContainerFsInodes}

// Resource is what pods use of a signal's subject, as messages name it.
func (s Signal) Resource() v1.ResourceName {
	switch s {
	case MemoryAvailable:
		return v1.ResourceMemory
	case PIDAvailable:
		return "pids"
	case NodeFsInodesFree, ImageFsInodesFree, ContainerFsInodes:
		return "inodes"
	default:
		return v1.ResourceEphemeralStorage
	}
}

// Value is a quantity or a share of the capacity.
type Value struct {
	Quantity resource.Quantity
	// Percent of the capacity, used when Quantity is zero.
	Percent float64
}

// Of is the value for a capacity.
func (v Value) Of(capacity int64) int64 {
	if v.Percent > 0 {
		return int64(float64(capacity) * v.Percent / 100)
	}
	return v.Quantity.Value()
}

// Threshold is how little of something may be left.
type Threshold struct {
	Signal Signal
	Value  Value
	// Grace is how long it must be met before pods are evicted; zero for hard thresholds.
	Grace time.Duration
	Hard  bool
	// MinReclaim is how much beyond the threshold must be free again before it counts as no longer met.
	MinReclaim Value
}

// Settings are the four maps of the kubelet's configuration.
type Settings struct {
	Hard, Soft, SoftGrace, MinReclaim map[string]string
}

// Parse reads the settings. The thresholds come in the order in which they are dealt with.
func Parse(s Settings) ([]Threshold, error) {
	var out []Threshold
	read := func(in map[string]string, hard bool) error {
		for name, text := range in {
			if !slices.Contains(order, Signal(name)) {
				return fmt.Errorf("eviction signal %q is not supported", name)
			}
			v, err := parseValue(text)
			if err != nil {
				return fmt.Errorf("eviction threshold %s: %w", name, err)
			}
			if v.Percent == 0 && v.Quantity.IsZero() {
				continue // "0" switches a default off
			}
			t := Threshold{Signal: Signal(name), Value: v, Hard: hard}
			if reclaim, ok := s.MinReclaim[name]; ok {
				if t.MinReclaim, err = parseValue(reclaim); err != nil {
					return fmt.Errorf("eviction minimum reclaim %s: %w", name, err)
				}
			}
			if !hard {
				grace, ok := s.SoftGrace[name]
				if !ok {
					return fmt.Errorf("grace period must be specified for the soft eviction threshold %s", name)
				}
				if t.Grace, err = time.ParseDuration(grace); err != nil || t.Grace <= 0 {
					return fmt.Errorf("invalid grace period %q for eviction threshold %s", grace, name)
				}
			}
			out = append(out, t)
		}
		return nil
	}
	if err := read(s.Hard, true); err != nil {
		return nil, err
	}
	if err := read(s.Soft, false); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b Threshold) int {
		hardFirst := 0
		if a.Hard != b.Hard {
			hardFirst = 1
			if a.Hard {
				hardFirst = -1
			}
		}
		return cmp.Or(slices.Index(order, a.Signal)-slices.Index(order, b.Signal), hardFirst)
	})
	return out, nil
}

func parseValue(text string) (Value, error) {
	if share, ok := strings.CutSuffix(text, "%"); ok {
		p, err := strconv.ParseFloat(share, 64)
		if err != nil || p < 0 || p > 100 {
			return Value{}, fmt.Errorf("invalid percentage %q", text)
		}
		return Value{Percent: p}, nil
	}
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return Value{}, fmt.Errorf("%q: %w", text, err)
	}
	if q.Sign() < 0 {
		return Value{}, fmt.Errorf("%q must not be negative", text)
	}
	return Value{Quantity: q}, nil
}
