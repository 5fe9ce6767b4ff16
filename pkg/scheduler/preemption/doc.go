// Package preemption makes room for a pod that fits nowhere by evicting pods of lower priority.
//
//	candidates: nodes where evicting may help ──► dry run on copies: which victims ──► extenders ──► pick the least harm
//	   ──► in the background: condition, delete, event for each victim ──► the pod is tried again
//
// Choosing happens inside the scheduling cycle on the snapshot; carrying out does not hold up the next pods. While victims are
// being deleted the pod is kept out of the queue (Executor.Busy), and its node is promised to it (nominatedNodeName).
package preemption
