// Package podnetwork joins the pods of several nodes: each node's range of pod addresses is routed
// to that node, directly, without tunnel and without masquerading ("host-gw"). That needs all nodes
// in one subnet; a node that is not is named in the log and in an event on our own node.
//
//	Nodes (watched) ──► plan (pure) ──► routes with our own protocol number, the difference only
//	              └──► the network configuration of our own node (package cni), from spec.podCIDRs
//
// The kernel's news of links and routes start a pass as well, so that routes which went with a link
// come back with it. Routes of others are never touched. When somebody else's network configuration
// is present, ours and our routes are taken away and left to it.
package podnetwork
