// Package gcpace decides how much memory a process may take before it collects garbage.
//
// Go's own rule is a percentage: a heap of 50 MB is collected when it has become 100 MB. For a server that is wrong at both ends. While
// it works, a small heap is collected many times a second, and a large one is let grow to twice its size; when it rests, it keeps what its last
// work needed. Here the room above what lives follows from what is allocated:
//
//	collection ends ─► how much lives, how fast was memory allocated since the last one?
//	                   room = what is allocated in Interval, at least IdlePercent of what lives, at most Room
//	quiet for Quiet ─► collect once more, give free memory and unused program text back to the system
//
// So a process takes at most what lives and Room, whatever the load; and collects about once an Interval until that is full.
//
// Nothing polls: the end of a collection wakes it, and one timer after work.
//
// A GOGC in the environment means that the user has decided, and nothing is done. GOMEMLIMIT holds in any case, as ever.
//
// A process has one heap: only commands, that is cmd/..., run a Pacer.
package gcpace
