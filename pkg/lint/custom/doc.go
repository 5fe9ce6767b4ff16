// Package custom judges definitions of custom resources, registrations of further API servers, and custom resources, with the
// code that servers use: the strategies and schemas of k8s.io/apiextensions-apiserver and k8s.io/kube-aggregator.
//
// Definitions first learns the definitions of the input (Add), then judges objects of their kinds (Check). Schemas are built
// when the first object of a version comes. A Definitions is for one goroutine.
package custom
