package horizontalpodautoscaler

import (
	"errors"
	"math"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/api/podstate"
)

// Sample is what was measured of one pod, in thousandths.
type Sample struct {
	Value  int64
	At     time.Time
	Window time.Duration
}

// tolerance is how far the ratio may be from one without a change.
type tolerance struct{ down, up float64 }

func (t tolerance) within(ratio float64) bool { return ratio >= 1-t.down && ratio <= 1+t.up }

// readiness says which pods are too young for their CPU use to mean anything.
type readiness struct {
	initialization, delay time.Duration
	now                   time.Time
}

// groups are the pods of a target by what is known of them.
type groups struct {
	measured, unready, missing []string
}

// group sorts pods. Only CPU use depends on readiness: starting up costs CPU.
func group(pods []*v1.Pod, samples map[string]Sample, cpu bool, r readiness) groups {
	var g groups
	for _, p := range pods {
		if p.DeletionTimestamp != nil || p.Status.Phase == v1.PodFailed {
			continue
		}
		s, ok := samples[p.Name]
		switch {
		case p.Status.Phase == v1.PodPending:
			g.unready = append(g.unready, p.Name)
		case !ok:
			g.missing = append(g.missing, p.Name)
		case cpu && starting(p, s, r):
			g.unready = append(g.unready, p.Name)
		default:
			g.measured = append(g.measured, p.Name)
		}
	}
	return g
}

func starting(p *v1.Pod, s Sample, r readiness) bool {
	c := podstate.Condition(p, v1.PodReady)
	if c == nil || p.Status.StartTime == nil {
		return true
	}
	began := p.Status.StartTime.Time
	if began.Add(r.initialization).After(r.now) {
		// A sample that began before the pod was ready shows its start.
		return c.Status == v1.ConditionFalse || s.At.Before(c.LastTransitionTime.Add(s.Window))
	}
	// Never been ready since it began.
	return c.Status == v1.ConditionFalse && began.Add(r.delay).After(c.LastTransitionTime.Time)
}

var errNoSamples = errors.New("did not receive metrics for targeted pods (pods might be unready)")

// perPod proposes replicas from a value of each pod. Weight is what 100 % of a pod is: its request for a target in percent, 1 for
// an average. It returns the measured ratio's parts for the status, too.
func perPod(current int32, g groups, samples map[string]Sample, weight func(pod string) int64, target int64, percent bool, t tolerance) (replicas int32, sum, base int64, err error) {
	if len(g.measured) == 0 {
		return 0, 0, 0, errNoSamples
	}
	values := map[string]int64{}
	for _, p := range g.measured {
		values[p] = samples[p].Value
	}
	ratio, sum, base := ratioOf(values, weight, target, percent)
	if base == 0 {
		return 0, 0, 0, errors.New("no requests known for measured pods")
	}
	unready := ratio > 1 && len(g.unready) > 0
	if len(g.missing) == 0 && !unready {
		if t.within(ratio) {
			return current, sum, base, nil
		}
		return ceil(ratio * float64(len(g.measured))), sum, base, nil
	}
	for _, p := range g.missing {
		switch {
		case ratio > 1:
			values[p] = 0
		case ratio < 1:
			values[p] = target
			if percent {
				values[p] = weight(p) * max(100, target) / 100
			}
		}
	}
	if unready {
		for _, p := range g.unready {
			values[p] = 0
		}
	}
	careful, _, _ := ratioOf(values, weight, target, percent)
	// Assumptions may make the change smaller, never turn it round.
	if t.within(careful) || ratio < 1 && careful > 1 || ratio > 1 && careful < 1 {
		return current, sum, base, nil
	}
	replicas = ceil(careful * float64(len(values)))
	if careful < 1 && replicas > current || careful > 1 && replicas < current {
		replicas = current
	}
	return replicas, sum, base, nil
}

func unit(percent bool) int64 {
	if percent {
		return 100
	}
	return 1
}

// ratioOf is measured to target. A target in percent is one of the weights.
func ratioOf(values map[string]int64, weight func(string) int64, target int64, percent bool) (ratio float64, sum, base int64) {
	for p, v := range values {
		sum += v
		base += weight(p)
	}
	if base == 0 || target == 0 {
		return 0, sum, base
	}
	return float64(sum) * float64(unit(percent)) / float64(base) / float64(target), sum, base
}

// whole proposes replicas from one value of the whole target.
func whole(current int32, ready int, usage, target int64, t tolerance) int32 {
	ratio := float64(usage) / float64(target)
	if current == 0 {
		return ceil(ratio)
	}
	if t.within(ratio) {
		return current
	}
	return ceil(ratio * float64(ready))
}

// shared proposes replicas from one value that is divided among the replicas.
func shared(current int32, usage, each int64, t tolerance) int32 {
	if current > 0 && t.within(float64(usage)/(float64(each)*float64(current))) {
		return current
	}
	return ceil(float64(usage) / float64(each))
}

func ceil(f float64) int32 {
	return int32(min(math.Ceil(f), math.MaxInt32)) //nolint:gosec // bounded
}

// requests are the requested amounts of the resource by pod, in thousandths; of one container when it is named.
func requests(pods []*v1.Pod, container string, name v1.ResourceName) (map[string]int64, error) {
	out := map[string]int64{}
	for _, p := range pods {
		var sum int64
		for _, c := range slices.Concat(p.Spec.Containers, sidecars(p)) {
			if container != "" && c.Name != container {
				continue
			}
			q, ok := c.Resources.Requests[name]
			if !ok {
				return nil, errors.New("missing request for " + string(name) + " in container " + c.Name + " of Pod " + p.Name)
			}
			sum += q.MilliValue()
		}
		out[p.Name] = sum
	}
	return out, nil
}

func sidecars(p *v1.Pod) []v1.Container {
	var out []v1.Container
	for _, c := range p.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways {
			out = append(out, c)
		}
	}
	return out
}
