// Package pod is what the API does with pods: their storage, and the subresources that act on a live pod.
//
// strategy.go holds the moments of a pod's life in the store; each subresource_x.go one subresource: binding puts the pod on
// a node, eviction asks leave of disruption budgets, log, exec, attach, portforward and proxy reach into the running pod
// through its kubelet, ephemeralcontainers and resize change it while it runs. What a pod must look like is in
// tiphys.dev/apirules/core/pod.
package pod
