// Package image brings image archives into the node's containerd.
//
// Import hands an archive (OCI or docker layout, as a tar file) to containerd's own importer and
// marks its images as pinned, so that garbage collection leaves alone what no registry could give
// back. Bundled does this once for each archive that came with the program.
package image
