// Package logs reads the log files that the container runtime writes (options.go turns what a user asks into what
// k8s.io/cri-client/pkg/logs reads) and keeps them from growing without end (rotate.go).
package logs
