// Package objects holds the ConfigMaps and Secrets that the pods of this node refer to, and nothing else.
//
// Each referenced object is watched once, by name, for as long as a registered pod refers to it; an immutable one is
// read once. A reader gets the watched value; before the watch has answered, or for an object no registered pod
// refers to, the reader asks the API server directly. When a watched object changes, OnChange is told the pods that
// refer to it, so that their volumes can be written again without any polling.
//
// Shared by the pod worker (environment, pull secrets) and the volume room (projected files).
package objects
