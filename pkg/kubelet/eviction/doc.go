// Package eviction keeps the node alive: it measures, lets evictplan decide, gives back dead containers and unused images first, and
// only then ends pods, one at a time, until enough is free again. It also ends pods that broke their own limits on local storage, and
// keeps new pods away while the node is under pressure.
//
// The look is periodic: the kernel tells nobody that memory or a disk gets short before it is.
package eviction
