// Package nodelifecycle watches over nodes: it notices when a kubelet is no longer heard of, and turns node conditions into
// taints that keep pods away or make them leave.
//
// A heartbeat is any renewal of the node's lease or change of its status. It is timed by the local clock when it arrives, so
// that a node with a wrong clock is not taken for dead. No loop runs over all nodes: each node has a timer in the queue, and a
// heartbeat only moves its deadline.
//
// One Sync, for one node:
//
//	silent for longer than the grace period?  conditions become Unknown (health.go)
//	no longer Ready?                          its pods become not Ready, so that services drop them (pods.go)
//	taints                                    NoSchedule from conditions at once; NoExecute not-ready or unreachable at the
//	                                          rate of the node's zone (taints.go, zones.go)
//
// A zone in which most nodes fail is slowed down or stopped, and when every zone has failed nothing is evicted at all: then
// the fault is more likely here than there.
package nodelifecycle
