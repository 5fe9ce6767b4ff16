// Package watchpace sends the events of a watch that come in quick succession together.
//
// The generic API server sends each event on its own as soon as no other waits: a frame, a TLS record and a system call for every
// event and watcher, and as much again at the client. With many watchers of a busy resource that is most of what a watch costs.
// Here an event after a quiet time is sent at once, as ever; those that follow within Interval go together at its end:
//
//	Flush ─► the last one was longer ago than Interval: now
//	         else: a timer for what is left of it; until then Write only gathers
//
// No event is later than Interval, and none is held back while a client does not read: the buffer below is small, and when it is full
// Write waits for the client as it would have without.
package watchpace
