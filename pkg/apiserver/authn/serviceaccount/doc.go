// Package serviceaccount issues and verifies the tokens of service accounts (JSON Web Tokens), and publishes the keys with
// which others can verify them.
//
// A token names the account and, when it is bound, the pod, secret or node whose deletion ends it. See
// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/ and KEP-1205 (bound tokens), KEP-1393
// (issuer discovery), KEP-4193 (node and token identifiers).
package serviceaccount
