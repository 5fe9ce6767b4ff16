// Package garbagecollector deletes objects whose owners are gone, and carries out foreground and orphaning deletion.
//
// graph.go holds who owns whom, fed by one metadata watch for every resource that can be listed, watched and deleted
// (discover.go; a changed CRD or APIService leads to a new discovery). An owner that is referred to but has not been seen is a
// virtual node until the API server has been asked about it.
//
// Two queues of UIDs:
//
//	delete.go   is every owner of this object gone?      then delete it
//	            is some owner alive?                     then only drop the references to the others
//	            do owners wait for it (foreground)?      then delete it, in the foreground too if it owns something
//	            is it itself waiting for dependents?     then drop its finalizer once no dependent blocks it any more
//	orphan.go   a deleted owner with the finalizer "orphan": drop the reference in every dependent, then the finalizer
//
// That an owner exists may be believed from the graph: if it has just gone, its deletion event brings the dependent here again.
// That an owner is absent is only believed from the API server. Every deletion carries the UID and resourceVersion on which the
// decision was made.
package garbagecollector
