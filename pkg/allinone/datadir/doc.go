// Package datadir guards a data directory: that it is ours, whole, writable and used by one
// process at a time.
//
// Claim marks an empty folder as ours (tiphys.json) or recognizes the mark; a folder with other
// things in it is refused, so nobody's files are ever mixed with a cluster's. Lock holds the folder
// for one process; the lock is the kernel's and ends with the process. Settle writes down, on first
// use, the settings a cluster cannot change after its birth, and refuses others later.
package datadir
