// Package authn decides who a request comes from. It puts the published authenticators of k8s.io/apiserver into upstream's
// order: front proxy headers, client certificates, then bearer tokens (static file, service accounts, bootstrap tokens,
// OIDC, webhook), and anonymous last.
package authn
