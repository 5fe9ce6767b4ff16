// Package cni writes the default pod network: a bridge on the node, addresses from the node's pod
// range by host-local, host ports by portmap, traffic limits by bandwidth.
//
// Nothing is masqueraded: pod addresses are routed, on the node by the bridge and between nodes or
// from a development host by routes. When another network configuration is present in the folder
// (a CNI add-on was installed), ours steps back and is removed.
package cni
