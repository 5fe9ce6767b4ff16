// Package admission puts the admission plugins into upstream's order. One folder holds one plugin; table.go is the one list. Those that ask
// webhooks are passed over while there are none (idle.go).
//
// A plugin changes or refuses an object on its way to the store, after authorization. Plugins get what they need (clients,
// informers, the authorizer) through the initializers of k8s.io/apiserver, and those of this package for what the library
// does not know: the quota evaluators. See https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/.
package admission
