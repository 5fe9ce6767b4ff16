// Package podstatus takes pod statuses to the API server: pods in parallel, one request at a time per pod, the latest
// status only.
//
// A status is sent as a strategic merge patch of the difference to what the API is known to have (from the watch, or
// from the answer to the last patch, whichever is newer), guarded by the pod's UID: there is no GET before it, and
// conditions that others own are never touched. A terminal phase in the API is not taken back. When a pod that is
// being deleted has ended, Delete removes it with grace period zero after its last status has arrived.
//
// For a static pod the status goes to its mirror pod.
package podstatus
