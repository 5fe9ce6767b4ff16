// Package services turns what the API says about Services, EndpointSlices and
// the own Node into one immutable Snapshot: for every service port and IP
// family the addresses under which it is reached and the endpoints that may
// answer there.
//
// The flow is
//
//	informer event -> Tracker (marks a service dirty) -> Take() -> Snapshot + names of changed services
//
// Tracker remembers pointers to the objects in the informer caches and never
// changes them. Build, the decision itself, is a pure function of one Service,
// its slices and the node; it knows nothing of nftables. Only services that
// were marked are built again, everything else is shared between snapshots by
// pointer, so the cost of a snapshot follows the change.
//
// Who may import it: package proxy and its rooms. It imports only published API
// types.
package services
