// Package volumeexpand hands a claim that asks for more than it has to the driver that can enlarge it. CSI volumes have an external
// resizer that watches claims; for a volume of an in-tree kind the resizer of the CSI driver that took it over is named in the
// annotation volume.kubernetes.io/storage-resizer. No in-tree volume is enlarged by the controller manager any more.
package volumeexpand
