// Package etcd runs one embedded etcd member as a component.
//
// New checks the settings; Run opens the store, closes Ready when the member has elected itself
// and serves, and blocks until ctx ends. Client is the in-process client: its calls go straight
// into the server without a socket or an encoding. It may be used after Ready and before Run
// returns. A Unix socket is opened beside it only when asked for, for an API server that runs as
// another process; the file's mode (root only) is its protection.
//
// While it runs, a guard looks at the free space of the disk. Before the disk is full it makes the store refuse writes, with an
// error that says so, and take them again when there is space: a full disk costs writes, not the store.
//
// etcd ends the process on some damage it finds (a broken log or database). Here that becomes an
// error of Run which names the folder and says what to do.
package etcd
