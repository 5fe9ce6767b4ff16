// Package poddisruptionbudget is what the API does with poddisruptionbudgets: how many pods of a workload may be down by will.
// What one must look like is in tiphys.dev/apirules/policy/poddisruptionbudget.
package poddisruptionbudget
