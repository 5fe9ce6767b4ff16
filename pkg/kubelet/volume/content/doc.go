// Package content is what the four kinds of volume that the kubelet fills (configMap, secret, downwardAPI, projected)
// do alike: make the directory, write atomically, give the files to the pod's group.
package content
