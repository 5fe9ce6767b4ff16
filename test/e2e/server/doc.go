// Package server runs the built `tiphys server` as on a machine of its own, with a real containerd, in network and mount
// namespaces made for the test, and lets bad days happen to it. It needs root, `make build images node-deps`, and is skipped
// without. TIPHYS_BIN names another binary to try.
package server
