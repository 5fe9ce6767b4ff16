// Package podgc deletes pods that nobody else will: finished ones beyond a threshold, those of nodes that are gone or declared
// out of service, and those that were deleted before they were ever bound.
//
// Each pod gets a key when an event makes it a candidate; Sync looks again and decides. A vanished node is believed only after
// a while and only from the API server.
package podgc
