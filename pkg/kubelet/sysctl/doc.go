// Package sysctl sets the kernel's parameters that a node needs, and remembers what they were.
//
// Ensure compares, changes and returns the changes; Restore takes them back. On a machine of its own a kubelet leaves them as it set them; a development
// cluster restores them when it goes. With protect nothing is changed and a difference is an error.
package sysctl
