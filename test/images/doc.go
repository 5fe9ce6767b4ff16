// Command images composes every image the conformance suite runs, under upstream's names, without an image registry: from programs
// that test/upstream and build/images compile, and from the distribution's packages (debian.sh).
//
//	go run ./test/images                 # _output/images/{conformance,pause,coredns}.tar for `ctr -n k8s.io images import`
//	go run ./test/images/registry -dir _output/images -listen ADDRESS   # serves the same, for tests that pull
//
// Order: busybox makes the base layer of all; table.go says what lies on it. Composition gives the same digest for the same
// files, so the archive is written again only when what is in it changed, and a second run takes about a second.
//
// What each image must hold, and why busybox is built from source, is told in docs/conformance.md.
package main
