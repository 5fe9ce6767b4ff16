// Package history keeps the revisions of a pod template as ControllerRevisions, for DaemonSets and StatefulSets.
//
// A revision holds the template as a strategic merge patch of its owner, in upstream's form, so that kubectl's history and undo
// work and an upstream controller can go on with it. Revisions are compared by content, never by name or hash.
package history
