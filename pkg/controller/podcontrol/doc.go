// Package podcontrol creates and deletes pods for the workload controllers, and keeps them from counting before their own
// writes have come back.
//
// A controller that has just created three pods and looks into a cache that does not show them yet would create three more.
// Expectations remember each own write by UID and resourceVersion; a sync compares them with the cache itself, not with
// counted events, so a missed or repeated event does no harm:
//
//	created pod   has come back when the cache holds its UID, or has seen a resourceVersion at least as new
//	deleted pod   has come back when the cache no longer holds its UID, or shows it as being deleted
//
// The event that brings the write back also queues the key again, so nobody polls.
//
// Index adds two indexes to the pod informer: pods by the UID of their controller, and orphans by namespace, so that finding
// a controller's pods does not walk through the namespace.
package podcontrol
