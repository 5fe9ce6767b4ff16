// Package resourceclaim is what the API does with resourceclaims: requests for devices.
// What one must look like is in tiphys.dev/apirules/resource/resourceclaim.
package resourceclaim
