// Package dynamicresources places pods by their ResourceClaims: it finds nodes whose devices can satisfy them, allocates the
// devices and reserves the claims for the pod. Which devices fit is decided by k8s.io/dynamic-resource-allocation.
//
// Manager is the shared view of claims, slices and classes. It shows allocations made in memory (pending) and writes that have not
// come back from the API server (assumed) as if they had happened, so that two pods never get the same device.
//
// Not done: extended resources backed by device classes (such pods are refused by NodeResourcesFit), and pod groups.
package dynamicresources
