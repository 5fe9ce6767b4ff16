package horizontalpodautoscaler

import (
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

func TestLimit(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ago := func(n int32, d time.Duration) event { return event{n, now.Add(-d)} }
	zero, disabled := int32(0), autoscalingv2.DisabledPolicySelect
	down := func(p ...autoscalingv2.HPAScalingPolicy) *autoscalingv2.HorizontalPodAutoscalerBehavior {
		return &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &zero, Policies: p}}
	}
	for _, tc := range []struct {
		name              string
		h                 history
		b                 *autoscalingv2.HorizontalPodAutoscalerBehavior
		current, proposed int32
		want              int32
		reason            string
	}{
		{"up at once", history{}, nil, 4, 7, 7, "DesiredWithinRange"},
		{"up to twice in a period", history{}, nil, 6, 20, 12, "ScaleUpLimit"},
		{"four at least", history{}, nil, 1, 20, 5, "ScaleUpLimit"},
		{"what was added counts", history{ups: []event{ago(4, 5*time.Second)}}, nil, 5, 20, 5, "ScaleUpLimit"},
		{"maximum", history{}, nil, 80, 120, 100, "TooManyReplicas"},
		{"down waits for the window", history{proposals: []event{ago(10, 4*time.Minute)}}, nil, 10, 3, 10, "DesiredWithinRange"},
		{"down after it", history{proposals: []event{ago(10, 6*time.Minute)}}, nil, 10, 3, 3, "DesiredWithinRange"},
		{"minimum", history{}, nil, 10, 0, 2, "TooFewReplicas"},
		{"policy of pods", history{}, down(autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 2, PeriodSeconds: 60}), 10, 3, 8, "ScaleDownLimit"},
		{"what was removed counts", history{downs: []event{ago(1, 30*time.Second)}}, down(autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 2, PeriodSeconds: 60}), 10, 3, 9, "ScaleDownLimit"},
		{"disabled", history{}, &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &zero, SelectPolicy: &disabled}}, 10, 3, 10, "ScaleDownLimit"},
	} {
		h := tc.h
		got := limit(&h, tc.b, 5*time.Minute, tc.current, tc.proposed, 2, 100, now)
		if got.replicas != tc.want || got.reason != tc.reason {
			t.Errorf("%s: %d %s, want %d %s", tc.name, got.replicas, got.reason, tc.want, tc.reason)
		}
	}
}
