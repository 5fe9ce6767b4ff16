// Package horizontalpodautoscaler changes the number of replicas of whatever has a scale subresource, so that measured values come
// near their targets. Every period, for each autoscaler:
//
//	measure    each metric proposes a number (replicas.go): current * measured/target, unless that is within the tolerance. Pods
//	           that are missing a value or not ready are counted so that they never make the change larger
//	combine    the largest proposal wins; with a metric that failed the target is never scaled down
//	limit      the window of stabilization, the policies of the behavior, and min and max (behavior.go)
//	write      the scale subresource, then the status
//
// replicas.go and behavior.go are pure. What is remembered between rounds (past proposals and changes) is lost with a restart, as
// upstream.
package horizontalpodautoscaler
