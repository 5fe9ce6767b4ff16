// Package ownership gives the files of a volume to the pod's fsGroup: the group owns them and may read them (and write,
// unless the volume is read-only), and directories hand the group on to new files (setgid).
package ownership
