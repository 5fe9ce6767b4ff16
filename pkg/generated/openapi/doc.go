// Package openapi describes every type the API server serves, for the OpenAPI documents and for server-side apply. It is
// written by hack/update-openapi.sh from the published API modules; never edit zz_generated.openapi.go.
package openapi
