// Package podtopologyspread spreads pods evenly over zones, nodes or any other topology.
//
// Matching pods are counted by the snapshot's indexes (package cache) per node; a cycle adds those numbers up over the
// nodes that count for the pod, which is one pass over small integers instead of one over pods.
package podtopologyspread
