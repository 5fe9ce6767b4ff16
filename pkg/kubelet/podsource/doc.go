// Package podsource brings in the pods this node should run: from the API server by watch, from manifest files and
// from a URL (static pods).
//
// Each source calls its Handler with Set for every pod that is new or changed and Remove for every one that is gone,
// and Synced once when it has delivered all it had at first. Static pods are made complete here: defaults and
// validation by the API's own rules, a UID and name that stay the same as long as the manifest does, and annotations
// that say where they came from. Mirror keeps their stand-ins in the API.
package podsource
