// Package features knows the feature gates of Kubernetes 1.36, so that every binary accepts the names and defaults that
// upstream's do. The libraries register the gates they read; Register adds the rest. Only cmd and pkg/allinone call it, once
// in a process and before anything is built; components get settings as values.
package features
