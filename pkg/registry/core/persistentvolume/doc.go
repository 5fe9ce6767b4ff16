// Package persistentvolume is what the API does with persistentvolumes: pieces of storage in the cluster.
// What one must look like is in tiphys.dev/apirules/core/persistentvolume.
package persistentvolume
