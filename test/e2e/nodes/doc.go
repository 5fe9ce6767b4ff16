// Package nodes brings up a cluster of two nodes with the built `tiphys`, each node in namespaces of its own, and looks at what
// lies between nodes: joining, pods that reach each other, services, DNS, logs, an agent that is killed, a drain. It needs root,
// `make build images node-deps`, and is skipped without. TIPHYS_BIN names another binary to try.
//
// The pods run the pause image only: the test itself listens and dials inside their network namespaces.
package nodes
