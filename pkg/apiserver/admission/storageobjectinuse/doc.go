// Package storageobjectinuse gives volumes, claims and volume attributes classes the finalizer that keeps them until nothing uses
// them any more. The protection controllers take it away.
package storageobjectinuse
