// Package statefulset runs pods with a lasting identity: an ordinal, a name, and claims of their own.
//
// One Sync, when the own writes are visible: claim pods and revisions; put the pods into their ordinals; decide one step
// (plan.go) or, with parallel management, all steps that are possible; act; status. With ordered management the next pod is
// started, stopped or updated only when the one before is running and available, or gone.
//
// Which revision a pod gets: below the partition the current one, else the update revision. When all pods are of the update
// revision and ready, it becomes the current one.
package statefulset
