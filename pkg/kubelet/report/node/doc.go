// Package node tells the API about this node: it registers it, keeps its lease, and reports its status.
//
// Build (build.go, conditions.go, capacity.go) computes the Node from the settings and what was measured; it is pure. Run registers, then
// reports when something changed: at once when Trigger is called, else when the regular look (nodeStatusUpdateFrequency) finds a
// difference, and in any case every nodeStatusReportFrequency. Updates are patches against the node as a watch last
// showed it, so none needs a GET. Until the node is Ready the runtime, which cannot tell by itself when its network is up, is asked often.
//
// The Reporter is authoritative for the status and for the labels and taints given at registration; other labels and
// taints belong to others and are left alone.
package node
