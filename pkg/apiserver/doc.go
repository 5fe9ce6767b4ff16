// Package apiserver is the kube-apiserver process: it assembles the standard groups of pkg/registry, custom resources and
// aggregated API servers into one delegation chain on the published generic API server.
//
//	request ──► aggregator ──► standard groups ──► custom resources ──► 404
//	            APIServices     pkg/registry        CustomResourceDefinitions
//
// Authentication (authn), authorization (authz) and admission (admission) stand before the chain; bootstrap writes the
// objects that must exist; reconciler keeps the "kubernetes" Service and its endpoints. openapi makes the documents of the chain
// when somebody asks for them; etcdstore opens the storage of resources, in a store
// of the same process or behind addresses.
//
// Life cycle: fill in a Config (NewConfig has the defaults), New builds everything and starts nothing, Run serves until its
// context ends and then drains. Only cmd, pkg/allinone and test/harness import this package.
package apiserver
