// Package openapi serves the OpenAPI documents (/openapi/v2, /openapi/v3) of the whole delegation chain.
//
// The documents are large, costly to build, and few clients ask for them. So nothing is built before the first request, and
// what was built is forgotten when nobody has asked for a while: a server that starts, or idles, pays nothing for them. There
// is no polling either. A request looks whether the custom resources have changed and whether the documents of aggregated
// servers are due; the latter are fetched outside of every lock, so a slow server delays nobody's documents but its own.
// While there are documents, an aggregated server that becomes available has its own fetched at once (Documents.Follow).
//
// Content, entity tags and content negotiation are those of k8s.io/kube-openapi and k8s.io/kube-aggregator.
package openapi
