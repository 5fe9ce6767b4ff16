// Package leaderelection lets one of several equal processes do the work.
//
// It wraps client-go's elector so that leading is an ordinary blocking call: Run waits for the lease, calls lead, and returns
// when lead has returned. Losing the lease cancels lead's context, waits for lead, and returns ErrLost, so that the caller
// decides what follows (a separate binary ends, the all-in-one starts the component again). The lease is released only after
// lead has ended: two leaders never work at the same time because of an ordered stop.
package leaderelection
