// Package endpoints is what the API does with endpoints: the addresses behind a service, in the form before EndpointSlices.
// What one must look like is in tiphys.dev/apirules/core/endpoints.
package endpoints
