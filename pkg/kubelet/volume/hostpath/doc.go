// Package hostpath is the hostPath volume: a path of the node, checked (or created) as its type demands. The kubelet
// makes nothing below the pod's directory for it, and nothing is taken away when the pod goes.
package hostpath
