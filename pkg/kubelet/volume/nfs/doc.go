// Package nfs is the nfs volume, described by the pod or by a persistent volume. Mounting is done by mount.nfs of the node, which negotiates
// version and transport.
package nfs
