// Package scale serves the scale subresource of workloads: replicas, wanted and there, and the selector of the pods, in one
// form for all kinds, so that an autoscaler need not know them.
package scale
