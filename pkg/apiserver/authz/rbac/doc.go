// Package rbac authorizes requests by roles and bindings, and answers which rules a user has, for reviews and for the checks
// against privilege escalation.
//
// Bindings are indexed by subject, so that a decision looks only at the bindings of the user, of the user's groups and, in
// the request's namespace, of that namespace. See https://kubernetes.io/docs/reference/access-authn-authz/rbac/.
package rbac
