// Package volumebinding finds nodes that can reach a pod's volumes, and binds or provisions volumes for claims that wait for their
// first pod.
//
//	PreFilter   claims: bound, waiting for this pod, or waiting for somebody else (then no node will do)
//	Filter      bound volumes reach the node? for the others: a free volume there, or a class that can provision there
//	Reserve     remember the choice: volumes are taken in memory (assumed) so that the next pod does not choose them
//	PreBind     write it: claimRef into volumes, selected node into claims; wait until the controller has bound them
//
// The wait is woken by events of claims; nothing polls.
package volumebinding
