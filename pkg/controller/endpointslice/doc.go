// Package endpointslice keeps the EndpointSlices of every service with a selector in step with its pods.
//
// What slices there should be is computed by k8s.io/endpointslice; this package brings it the events, and protects it from
// its own writes: a slice tracker remembers the generation of each slice written, and a sync that meets an older one in the
// cache waits for it.
package endpointslice
