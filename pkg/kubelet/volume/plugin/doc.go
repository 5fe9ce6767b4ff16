// Package plugin is what the kinds of volume have in common: the question they are asked (Request), the answer (Mounted)
// and the interface (Plugin). Each kind lives in a folder beside this one and imports this package; the volume manager
// imports the kinds. A kind keeps no list of what it mounted: directories and mounts on disk are the truth, so that a
// restarted kubelet, or one that finds a pod's leftovers without the pod, can go on.
package plugin
