// Package profile runs the plugins of one scheduling profile. It is the other side of k8s.io/kube-scheduler/framework: a
// Profile is the Handle plugins are given, and has one Run method per extension point for the scheduling cycle.
//
// A plugin may also have a method NodeLocal(). It promises that the plugin's Filter verdict and raw Score for a node depend on
// nothing but what SignPod says of the pod and that node's NodeInfo (and that Reserve and later points need none of the state its
// PreFilter leaves). Verdicts of such plugins hold for every pod with the same signature until the node changes; see package cycle.
//
// Scheduler, plugins and tests import it; it imports only the cache and metrics.
package profile
