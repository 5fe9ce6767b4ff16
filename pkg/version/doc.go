// Package version says what this build is.
//
// The Makefile stamps k8s.io/component-base/version through the linker, because the published
// libraries report that one (/version, --version, user agents, metrics). The number comes from
// build/version: the Kubernetes patch release whose API is served, and our own count after
// "+tiphys.". This package only reads it back, and recognizes a build nobody stamped.
package version
