// Package persistentvolumeclaim is what the API does with persistentvolumeclaims: requests for storage.
// What one must look like is in tiphys.dev/apirules/core/persistentvolumeclaim.
package persistentvolumeclaim
