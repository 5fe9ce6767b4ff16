// Package nodeipam gives each node a range of pod addresses out of the cluster's, in spec.podCIDRs.
//
// What is taken is known from the nodes themselves: before the first node is given a range, all nodes of the cache have been
// counted. A node that goes gives its range back.
package nodeipam
