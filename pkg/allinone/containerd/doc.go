// Package containerd runs a containerd of our own as a component.
//
// Settings (root, state, socket, CNI folders, pause image, whether oom scores may be lowered) are
// written to a configuration file anew at every start; nothing of a containerd that the machine may
// have besides is read or touched. Containers are children of their shims: they go on when
// containerd ends, and the next one finds them by its state folder.
package containerd
