// Package statefulset is what the API does with statefulsets: pods with names and storage of their own.
// What one must look like is in tiphys.dev/apirules/apps/statefulset.
package statefulset
