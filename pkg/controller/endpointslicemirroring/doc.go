// Package endpointslicemirroring copies Endpoints that users write for services without selector into EndpointSlices, which is
// what proxies read.
package endpointslicemirroring
