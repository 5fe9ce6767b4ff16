// Package endpointslice is what the API does with endpointslices: parts of the addresses behind a service.
// What one must look like is in tiphys.dev/apirules/discovery/endpointslice.
package endpointslice
