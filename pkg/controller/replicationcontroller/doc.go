// Package replicationcontroller runs package replicaset for core/v1 ReplicationControllers: it is only the adapter between
// the two types.
package replicationcontroller
