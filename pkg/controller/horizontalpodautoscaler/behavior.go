package horizontalpodautoscaler

import (
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// history is what an autoscaler remembers between rounds.
type history struct {
	proposals []event // replicas proposed
	ups       []event // replicas added
	downs     []event // replicas removed
}

type event struct {
	n  int32
	at time.Time
}

// longest is how long anything is remembered: no window or period may be longer.
const longest = time.Hour

func recent(events []event, now time.Time) []event {
	var out []event
	for _, e := range events {
		if now.Sub(e.at) <= longest {
			out = append(out, e)
		}
	}
	return out
}

func sumSince(events []event, since time.Time) int32 {
	var sum int32
	for _, e := range events {
		if e.at.After(since) {
			sum += e.n
		}
	}
	return sum
}

// rules are the effective rules of one direction.
type rules struct {
	window   time.Duration
	choose   autoscalingv2.ScalingPolicySelect
	policies []autoscalingv2.HPAScalingPolicy
}

func rulesOf(given *autoscalingv2.HPAScalingRules, standard rules) rules {
	if given == nil {
		return standard
	}
	r := standard
	if given.StabilizationWindowSeconds != nil {
		r.window = time.Duration(*given.StabilizationWindowSeconds) * time.Second
	}
	if given.SelectPolicy != nil {
		r.choose = *given.SelectPolicy
	}
	if len(given.Policies) > 0 {
		r.policies = given.Policies
	}
	return r
}

// effective returns the rules for both directions; the documented defaults fill what is not given.
func effective(b *autoscalingv2.HorizontalPodAutoscalerBehavior, downWindow time.Duration) (up, down rules) {
	standardUp := rules{choose: autoscalingv2.MaxChangePolicySelect, policies: []autoscalingv2.HPAScalingPolicy{
		{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15}, {Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}}}
	standardDown := rules{window: downWindow, choose: autoscalingv2.MaxChangePolicySelect, policies: []autoscalingv2.HPAScalingPolicy{
		{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}}}
	if b == nil {
		return standardUp, standardDown
	}
	return rulesOf(b.ScaleUp, standardUp), rulesOf(b.ScaleDown, standardDown)
}

// stabilize keeps the change to what every proposal of the window agrees with.
func stabilize(h *history, up, down rules, current, proposed int32, now time.Time) int32 {
	highest, lowest := proposed, proposed
	for _, p := range h.proposals {
		if p.at.After(now.Add(-down.window)) {
			highest = max(highest, p.n)
		}
		if p.at.After(now.Add(-up.window)) {
			lowest = min(lowest, p.n)
		}
	}
	h.proposals = append(recent(h.proposals, now), event{proposed, now})
	return min(max(current, lowest), highest)
}

// limitUp is the most replicas that the policies allow now.
func limitUp(h *history, r rules, current int32, now time.Time) int32 {
	if r.choose == autoscalingv2.DisabledPolicySelect {
		return current
	}
	result := int32(math.MinInt32)
	if r.choose == autoscalingv2.MinChangePolicySelect {
		result = math.MaxInt32
	}
	for _, p := range r.policies {
		since := now.Add(-time.Duration(p.PeriodSeconds) * time.Second)
		start := current - sumSince(h.ups, since) + sumSince(h.downs, since)
		allowed := start + p.Value
		if p.Type == autoscalingv2.PercentScalingPolicy {
			allowed = ceil(float64(start) * (1 + float64(p.Value)/100))
		}
		result = choose(r.choose == autoscalingv2.MinChangePolicySelect, result, allowed)
	}
	return result
}

// limitDown is the fewest replicas that the policies allow now.
func limitDown(h *history, r rules, current int32, now time.Time) int32 {
	if r.choose == autoscalingv2.DisabledPolicySelect {
		return current
	}
	result := int32(math.MaxInt32)
	if r.choose == autoscalingv2.MinChangePolicySelect {
		result = math.MinInt32
	}
	for _, p := range r.policies {
		since := now.Add(-time.Duration(p.PeriodSeconds) * time.Second)
		start := current - sumSince(h.ups, since) + sumSince(h.downs, since)
		allowed := start - p.Value
		if p.Type == autoscalingv2.PercentScalingPolicy {
			allowed = int32(float64(start) * (1 - float64(p.Value)/100))
		}
		result = choose(r.choose != autoscalingv2.MinChangePolicySelect, result, allowed)
	}
	return result
}

func choose(smaller bool, a, b int32) int32 {
	if smaller {
		return min(a, b)
	}
	return max(a, b)
}

// limited is the outcome with the reason for the conditions.
type limited struct {
	replicas        int32
	stabilized      bool
	reason, message string
	isLimited       bool
}

// limit applies window, policies, minimum and maximum to a proposal.
func limit(h *history, b *autoscalingv2.HorizontalPodAutoscalerBehavior, downWindow time.Duration, current, proposed, least, most int32, now time.Time) limited {
	up, down := effective(b, downWindow)
	h.ups, h.downs = recent(h.ups, now), recent(h.downs, now)
	stable := stabilize(h, up, down, current, proposed, now)
	out := limited{replicas: stable, stabilized: stable != proposed, reason: "DesiredWithinRange", message: "the desired count is within the acceptable range"}
	bound := func(n int32, reason, message string) {
		out.replicas, out.isLimited, out.reason, out.message = n, true, reason, message
	}
	switch {
	case stable > current:
		if rate := max(limitUp(h, up, current, now), current); rate < most && stable > rate {
			bound(rate, "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
		} else if stable > most {
			bound(most, "TooManyReplicas", "the desired replica count is more than the maximum replica count")
		}
	case stable < current:
		if rate := min(limitDown(h, down, current, now), current); rate > least && stable < rate {
			bound(rate, "ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
		} else if stable < least {
			bound(least, "TooFewReplicas", "the desired replica count is less than the minimum replica count")
		}
	case proposed > most:
		bound(most, "TooManyReplicas", "the desired replica count is more than the maximum replica count")
	case proposed < least:
		bound(least, "TooFewReplicas", "the desired replica count is less than the minimum replica count")
	}
	return out
}
