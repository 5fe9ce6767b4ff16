// Package mounter mounts and unmounts by system call, without starting mount(8): a pod with three tmpfs volumes would
// otherwise pay for six processes. File systems that need a helper program (nfs, iscsi) are not mounted here.
package mounter
