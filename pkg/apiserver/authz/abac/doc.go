// Package abac decides by the policies of a file (mode ABAC): each line is a policy that allows a user or a group something;
// what no line allows is left to the next authorizer. See
// https://kubernetes.io/docs/reference/access-authn-authz/abac/.
package abac
