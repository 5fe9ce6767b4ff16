// Package etcd runs one embedded etcd member as a component.
//
// New checks the settings; Run opens the store, closes Ready when the member has elected itself
// and serves, and blocks until ctx ends. A Source makes in-process clients: their calls go straight
// into the server without a socket or an encoding, and they outlive a restart of the member. A Unix
// socket is opened beside it only when asked for, for an API server that runs as another process and
// for health checks; the file's mode (root only) is its protection.
//
// etcd ends the process on some damage it finds (a broken log or database). Here that becomes an
// error of Run which names the folder and says what to do.
package etcd
