// Package endpoints keeps the Endpoints object of every service with a selector in step with its pods. EndpointSlices have
// taken its place; it is written for those who still read it, with at most 1000 addresses.
package endpoints
