// Package lease is what the API does with leases: who holds something for how long: leaders, nodes, servers.
// What one must look like is in tiphys.dev/apirules/coordination/lease.
package lease
