// Package authz decides what a request may do. It puts the authorizers into the configured order: Node, RBAC, webhook, and
// the two constant ones; the first that has an opinion decides.
package authz
