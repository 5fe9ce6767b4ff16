// Package volumesource holds the rules of places a volume can come from, for those that pods and persistent volumes both
// know: each source its defaults and its checks. The choice among sources belongs to the kind that offers them.
package volumesource
