// Package interop runs clusters of which some components are upstream's and the others ours: each alone among the other's, and all of
// either side. In every mix the same Deployment with a Service becomes available, answers, is scaled, rolled over and deleted,
// and nothing of it stays behind: not in the API, not on the node, not on the machine.
//
// A cluster is what `tiphys dev up` makes (pkg/allinone/sandbox): real etcd, containerd and kernel in namespaces of its own, with
// each of the five components as a process of its own, given upstream's flags. The tests need root, upstream's binaries
// (hack/build-upstream.sh), ours (make build, or TIPHYS_BIN for another folder) and the node's (make node-deps images); where
// something is missing they are skipped and say what. The log of a mix that failed is kept in _output/interop.
package interop
