// Package resourceclaim makes the ResourceClaims that pods ask for by template, and takes back what nobody uses any more.
//
//	pod      each claim by template is made once, owned by the pod, and its name written into the pod's status. A pod that was
//	         bound to its node without the scheduler gets the allocated claims reserved that it uses
//	claim    consumers that are gone or finished leave status.reservedFor; the last one takes the allocation along, and with it the
//	         finalizer that kept the claim; a claim made for a finished pod is deleted
//
// Before a consumer is believed to be gone, its pod is read from the API server.
package resourceclaim
