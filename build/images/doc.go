// Command images makes the two container images a cluster cannot start without, as archives that containerd imports:
//
//	go run ./build/images -o DIR     # DIR/pause.tar, DIR/coredns.tar
//
// pause is a few hundred bytes of C (pause/), CoreDNS is built from its Go module (coredns/, a module of its own). Neither needs a
// registry or a Linux distribution: a C compiler and Go are enough. What is up to date is not made again.
package main
