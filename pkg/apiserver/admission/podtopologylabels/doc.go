// Package podtopologylabels copies the zone and the region of a node to the labels of pods that are bound to it, so that the
// containers can read them through the downward API.
package podtopologylabels
