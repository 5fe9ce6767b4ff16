// Package taintnodesbycondition gives every new node the taint of one that is not ready, so that no pod is put on it before
// its conditions are known.
package taintnodesbycondition
