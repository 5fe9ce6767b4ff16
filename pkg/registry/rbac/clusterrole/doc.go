// Package clusterrole is what the API does with clusterroles: what may be done in the whole cluster, or in the namespace of a binding.
// What one must look like is in tiphys.dev/apirules/rbac/clusterrole.
package clusterrole
