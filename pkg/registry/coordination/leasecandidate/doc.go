// Package leasecandidate is what the API does with leasecandidates: servers that stand for leader where the API server chooses one.
// What one must look like is in tiphys.dev/apirules/coordination/leasecandidate.
package leasecandidate
