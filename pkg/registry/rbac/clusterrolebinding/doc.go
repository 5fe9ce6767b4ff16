// Package clusterrolebinding is what the API does with clusterrolebindings: who has a role everywhere.
// What one must look like is in tiphys.dev/apirules/rbac/clusterrolebinding.
package clusterrolebinding
