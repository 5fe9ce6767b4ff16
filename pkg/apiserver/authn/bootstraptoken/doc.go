// Package bootstraptoken lets joining nodes in with the tokens of secrets of type bootstrap.kubernetes.io/token. See
// https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/.
package bootstraptoken
