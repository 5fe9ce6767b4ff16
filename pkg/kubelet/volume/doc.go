// Package volume prepares the volumes of pods and takes them away again.
//
// The Manager owns, below the kubelet's root directory, the same layout as upstream's kubelet:
//
//	pods/<uid>/volumes/kubernetes.io~<kind>/<name>       what containers see
//	pods/<uid>/plugins/kubernetes.io~<kind>/<name>       marks the kinds keep
//	pods/<uid>/volume-subpaths/<volume>/<container>/<i>  binds for subPath
//
// Life of a pod's volumes: Mount blocks until all of them are ready, trying again by itself and saying so in events;
// ContainerMounts turns a container's volumeMounts into mounts for the runtime; Resync writes changed content;
// Unmount removes everything. Directories and mounts are the state: after a restart Mount finds what is there, and Unmount needs no
// more than the pod's UID.
//
// Content is rewritten when somebody says that something changed (Resync) or when a token is due (Run). Nothing polls.
//
// Kinds are folders beside this package; kinds.go lists them.
package volume
