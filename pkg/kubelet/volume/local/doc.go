// Package local is the local persistent volume: a directory or device of one node. A directory is bound into the pod's directory, so that
// two pods may use it with settings of their own and nothing of it is lost when a pod goes; a block device with a file system is mounted there.
package local
