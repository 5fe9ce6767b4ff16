// Package node is what the API does with nodes: their storage, and the proxy to what their kubelets serve.
package node
