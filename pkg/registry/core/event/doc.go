// Package event is what the API does with events: they are kept for a time and then forgotten. The groups "" and
// events.k8s.io serve the same stored objects; New makes the storage for either.
package event
