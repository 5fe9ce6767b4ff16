// Package escalation keeps users from granting more than they have: whoever writes a role must hold its rules or be allowed
// to escalate, whoever writes a binding must hold the role's rules or be allowed to bind it. See
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping.
package escalation
