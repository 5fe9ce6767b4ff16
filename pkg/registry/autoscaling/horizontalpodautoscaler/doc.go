// Package horizontalpodautoscaler is what the API does with horizontalpodautoscalers: what scales a workload by metrics.
// What one must look like is in tiphys.dev/apirules/autoscaling/horizontalpodautoscaler.
package horizontalpodautoscaler
