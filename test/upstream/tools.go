package upstream

import (
	// The conformance suite is a test binary, which a tool line cannot name: `go test -c` of this package builds it.
	_ "k8s.io/kubernetes/test/e2e"
)
