// Package rolebinding is what the API does with rolebindings: who has a role in a namespace.
// What one must look like is in tiphys.dev/apirules/rbac/rolebinding.
package rolebinding
