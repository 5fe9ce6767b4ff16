// Package attachdetach decides which CSI volumes are attached to which node, by VolumeAttachment objects that the driver's external
// attacher carries out. For each node:
//
//	wanted     volumes of its pods that are bound and need attaching (CSIDriver.attachRequired)
//	attached   the node's VolumeAttachments made by this controller, known by their name (a hash of volume, driver and node)
//
//	wanted, not attached   create one, unless the volume may be on one node only and is on another still
//	attached, wanted       when the driver says it is, list the volume in node.status.volumesAttached: the kubelet waits for that
//	attached, not wanted   once the kubelet no longer has it in use (node.status.volumesInUse): first off the list, then delete it
//
// A node that is unhealthy cannot tell that it stopped using a volume. With the taint node.kubernetes.io/out-of-service it is
// believed at once; otherwise, unless that is forbidden, after six minutes.
package attachdetach
