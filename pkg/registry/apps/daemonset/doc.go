// Package daemonset is what the API does with daemonsets: one pod on each node.
// What one must look like is in tiphys.dev/apirules/apps/daemonset.
package daemonset
