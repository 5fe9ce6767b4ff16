// Package netns makes, keeps and enters the namespaces of one node, and joins its network to the
// host's.
//
// A Set names three files (network, mount, UTS) that hold the namespaces by bind mounts: they live
// as long as the files are mounted, with or without a process inside, so a server that was killed
// finds its node as it left it. The files are in a tmpfs of their own with private propagation,
// because the kernel binds a mount namespace nowhere else.
//
// Do enters all three on a thread that is thrown away afterwards; what is started there (a child
// process) begins life inside.
package netns
