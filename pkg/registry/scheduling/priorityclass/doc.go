// Package priorityclass is what the API does with priorityclasses: how important pods are.
// What one must look like is in tiphys.dev/apirules/scheduling/priorityclass.
package priorityclass
