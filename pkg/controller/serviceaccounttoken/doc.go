// Package serviceaccounttoken fills secrets of type kubernetes.io/service-account-token: a token that never expires and names
// account and secret, the cluster's certificate bundle, and the namespace. A secret whose account does not exist (any more) is
// deleted; a secret that is gone disappears from its account's list.
//
// Only secrets of that type are watched. Before a secret is deleted the account is read from the API server: the watches of
// secrets and accounts are not in step.
package serviceaccounttoken
