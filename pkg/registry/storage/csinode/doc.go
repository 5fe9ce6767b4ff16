// Package csinode is what the API does with csinodes: the storage drivers on a node.
// What one must look like is in tiphys.dev/apirules/storage/csinode.
package csinode
