// Package kubeletclient tells the API server how to reach a node's kubelet: its address, port, and the client certificate to
// show.
package kubeletclient
