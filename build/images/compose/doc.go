// Package compose makes container images from files, without a daemon and without a registry: layers from a list of files,
// an OCI image on them, and an OCI archive that containerd imports under the image's own name.
//
// The same input always gives the same digest: times are zero, files are sorted, owners are numbers. So an archive can be
// compared, cached and served by a registry under the digest a node already has.
//
// Importers: build/images (the product's images) and test/images (the conformance suite's).
package compose
