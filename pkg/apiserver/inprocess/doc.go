// Package inprocess lets an API server use a store that runs in its own process: requests are function calls, without a
// connection, an encoding and a copy for each resource.
//
// What is stored, and where, is decided by the same published code (k8s.io/apiserver/pkg/storage/etcd3) as with a store behind
// an address; only the client differs. Clients come from whoever runs the store. A store that restarts is their matter: calls
// wait for it, watches end and are opened again by the watch caches.
package inprocess
