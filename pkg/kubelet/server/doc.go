// Package server is the kubelet's door: HTTPS for the API server, metrics collectors and whoever the cluster allows.
//
// New builds handlers and certificate, Run serves until ctx ends. Each group of paths is one file: pods.go, logs.go, streams.go
// (exec, attach, port-forward), metrics.go, stats.go, debug.go; routes.go lists them all with the permission each needs
// (access.go). Streams are not touched here: bytes go between the client and the runtime's streaming server; only
// clients that speak a newer WebSocket protocol than runtimes do are translated.
//
// The server owns nothing it shows. Pods, stats and runtime are given to it as small interfaces.
package server
