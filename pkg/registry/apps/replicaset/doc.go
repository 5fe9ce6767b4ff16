// Package replicaset is what the API does with replicasets: a number of equal pods.
// What one must look like is in tiphys.dev/apirules/apps/replicaset.
package replicaset
