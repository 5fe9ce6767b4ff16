// Package controllerrevision is what the API does with controllerrevisions: the recorded states of a workload, which never change.
// What one must look like is in tiphys.dev/apirules/apps/controllerrevision.
package controllerrevision
