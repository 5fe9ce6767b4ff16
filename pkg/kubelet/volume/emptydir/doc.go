// Package emptydir is the emptyDir volume: a directory that lives as long as its pod, on the node's disk, in memory (tmpfs
// with a size) or in huge pages (hugetlbfs).
//
// The limit of a disk-backed emptyDir is watched by the eviction room; only the memory kinds are limited by the kernel.
package emptydir
