// Package interpodaffinity places pods by the pods already running: near those an affinity term selects, away from those an
// anti-affinity term selects, in both directions.
//
// Counting is done by indexes of the snapshot (package cache). Terms of running pods are grouped, so a deployment of a
// thousand replicas is one question; pods matching an incoming pod's term are counted per topology value as they come and go.
// Filter then only compares small numbers. Copies of the snapshot's nodes, as preemption makes, are covered by deltas in the
// cycle state.
package interpodaffinity
