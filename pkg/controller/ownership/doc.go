// Package ownership decides which dependents a controller owns: it adopts orphans that match the selector and releases
// dependents that no longer match, by patching owner references.
//
// Before it adopts anything it asks the API server, not a cache, whether the owner still exists with the same UID and is not
// being deleted: adopting for a dead owner would hand live pods to the garbage collector.
package ownership
