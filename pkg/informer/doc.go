// Package informer is the one place where a process keeps what it knows of the API: shared informers that are filled straight
// from the registry when the API server runs in this process, and over the network when it does not.
//
// A Factory is what client-go calls a shared informer factory. Where it is given a Direct, lists and watches of the kinds that
// the API server stores are function calls: no connection, no encoding, no decoding. A component takes a View of the factory for
// each of its runs, so that what it hung onto the informers goes with the run while the informers stay.
package informer
