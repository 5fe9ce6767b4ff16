// Package cri is the kubelet's hand on the container runtime: it connects to a CRI endpoint and offers the calls as
// plain verbs. It holds no policy and no state beyond the connection.
//
// The connection is k8s.io/cri-client. New waits until the runtime answers Version, so that what comes after may rely
// on a runtime that is there; a runtime that goes away later is the callers' business (every call returns an error).
package cri
