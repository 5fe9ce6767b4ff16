// Package dns decides what name resolution looks like inside a pod: the resolv.conf for the sandbox (PodDNS), the pod's own
// host name (PodHostname) and its hosts file (HostsFile). All but the reading of the node's resolv.conf is pure.
package dns
