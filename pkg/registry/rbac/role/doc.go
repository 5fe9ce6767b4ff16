// Package role is what the API does with roles: what may be done in a namespace.
// What one must look like is in tiphys.dev/apirules/rbac/role.
package role
