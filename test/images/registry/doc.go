// Command registry serves the archives of a directory as a read-only image registry, for the conformance tests that pull an
// image although it is there, and for those that must fail to:
//
//	go run ./test/images/registry -dir _output/images -listen 10.0.0.1:5000 -hosts-dir /etc/containerd/certs.d
//
// It answers for every registry name (containerd sends the name it wanted as ?ns=), with the digests the nodes already have, and says 404
// at once for anything else: without it such a pull waits for a network that is not there. With -hosts-dir it writes the
// _default/hosts.toml that sends containerd here.
package main
