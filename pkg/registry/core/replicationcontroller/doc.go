// Package replicationcontroller is what the API does with replicationcontrollers: the first controllers of replicas.
// What one must look like is in tiphys.dev/apirules/core/replicationcontroller.
package replicationcontroller
