// Package dataswap exchanges the API server over the same data: what upstream's kube-apiserver wrote into etcd ours must serve
// unchanged, and the other way round.
//
// Three looks at it. At least one object of every stored resource, custom resources included, is written by one server; the
// other then lists every object of the whole cluster to the byte as the first did, watches it, and updates it, and the first serves
// the update. The two stores are compared key by key: same keys, same storage versions, same values but for what a server chooses for itself,
// and our encoding of what upstream stored is upstream's to the byte. Last, the wire fixtures of k8s.io/api, which have a value
// in every field, are put into the store directly, and both servers must show them alike.
//
// Secrets and custom resources are written encrypted with each local provider, too. The servers run one after the other through test/peer,
// which continues a directory that was used before. Tests skip where upstream's binaries or our kube-apiserver
// (make build, or TIPHYS_BIN) are missing.
package dataswap
