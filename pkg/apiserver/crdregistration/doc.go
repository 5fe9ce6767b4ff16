// Package crdregistration tells the aggregator which group versions custom resources serve, so that an APIService stands for
// each while a CustomResourceDefinition serves it.
package crdregistration
