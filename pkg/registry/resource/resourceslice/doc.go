// Package resourceslice is what the API does with resourceslices: the devices of a node or pool.
// What one must look like is in tiphys.dev/apirules/resource/resourceslice.
package resourceslice
