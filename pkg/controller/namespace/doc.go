// Package namespace empties namespaces that are being deleted, and then removes their finalizer so that they go.
//
// One Sync, for one namespace with a deletionTimestamp:
//
//	phase Terminating
//	discover   every namespaced resource that can be listed and deleted, custom ones included
//	delete     pods first, and wait until they have ended (KEP-5080: a pod must not outlive the network policy or secret it
//	           depends on); then everything else, by deletecollection, or one by one where that is not served
//	look       what is still there, and which finalizers hold it
//	report     conditions NamespaceDeletion{DiscoveryFailure,GroupVersionParsingFailure,ContentFailure},
//	           NamespaceContentRemaining, NamespaceFinalizersRemaining
//	finish     nothing left: drop the finalizer "kubernetes" through the finalize subresource
//
// The end of a pod in such a namespace queues it again. For other leftovers (a foreign finalizer) there is no event to wait
// for; it is looked at again after a while.
package namespace
