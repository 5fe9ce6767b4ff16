// Package tainteviction deletes pods from nodes with NoExecute taints that they do not tolerate, at once or when their
// toleration's time is over.
//
// The time a taint has been tolerated starts when the taint was added or the pod was bound, whichever is later. When a taint
// does not say when it was added, the time this controller first saw it on the pod counts.
package tainteviction
