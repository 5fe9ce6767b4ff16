// Package features knows the feature gates of Kubernetes 1.36, so that every binary accepts the names and defaults that
// upstream's do, and none turns a feature on without those it depends on. The libraries register the gates they read; Register adds the rest, and
// Validate checks a setting for commands that read no gate. Only cmd and pkg/allinone call it, once
// in a process and before anything is built; components get settings as values.
package features
