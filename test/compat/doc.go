// Package compat compares what our API server says of itself with what upstream 1.36 says: discovery, printer columns and
// bootstrap objects, recorded as data in testdata (facts of a running upstream server; see testdata/README.md), and the flags
// of the binaries.
package compat
