// Package deployment is what the API does with deployments: replicas of a pod that are rolled out and back.
// What one must look like is in tiphys.dev/apirules/apps/deployment.
package deployment
