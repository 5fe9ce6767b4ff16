// Package etcdstore opens the storage of resources in etcd.
//
// What is stored, and where, is decided by the published code (k8s.io/apiserver/pkg/storage/etcd3); only the clients are made here, and
// the watch caches wake up together (see bookmarks).
//
//	Local        a store in this process: requests are function calls. Clients come from whoever runs the store. A store that restarts is
//	             their matter: calls wait for it, watches end and are opened again by the watch caches
//	Connections  a store behind addresses: one connection for each set of addresses and certificates, shared by all resources, where a
//	             connection for each, as is usual, is sixty of them with their buffers and goroutines. HTTP/2 carries all on one
//
// What an API server does most is to read one key. Each read is a round trip with its own frames, at both ends; where many clients
// read at once, those that come while others are under way are sent as one transaction of reads (see gets). A transaction that only
// reads is linearizable as a single read is; one that is late, as its member of the store may be gone, holds up no others. Requests that only show an object ask for its revision alone, and are shown what the watch
// cache holds if that is the one (see current).
//
// Many watches of the same objects follow one watch of the cache (see feeds).
package etcdstore
