// Package queue holds the pods that wait for a node and decides which is next.
//
// A pod is in one of these places:
//
//	            Pop                     failed, nothing happened meanwhile
//	active ───────────► in flight ─────────────────────────────► unschedulable (or gated: PreEnqueue refused)
//	  ▲                    │ failed, but an event that may help came meanwhile      │
//	  │ back-off over      ▼                                                        │ event that may help
//	  └──────────────── back-off ◄──────────────────────────────────────────────────┘
//
// A pod rejected by plugins is tried again only when an event comes for which one of those plugins said it may help (its
// queueing hint). Rejected pods are indexed by plugin, so an event costs the pods it may concern. Events that come while a pod
// is in flight are kept until the pod that was popped first is done, and are asked about when the pod comes back.
//
// Lock order: Queue.mu, then Nominator.mu. Hints and PreEnqueue plugins run under Queue.mu and must not call back.
package queue
