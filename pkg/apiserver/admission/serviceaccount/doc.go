// Package serviceaccount gives every pod a service account and mounts its token, the cluster's CA and the namespace into the
// containers, unless the account or the pod says otherwise. See
// https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#serviceaccount.
package serviceaccount
