// Package cycle decides about one pod at a time and carries the decision out.
//
//	Pop ─► Refresh snapshot ─► find nodes (PreFilter, Filter) ─► rank (PreScore, Score) ─► assume, Reserve, Permit
//	                                 │ none                                                       │
//	                                 ▼                                                            ▼ in a goroutine of its own
//	                            PostFilter ─► event, condition, back to the queue           wait, PreBind, Bind, PostBind
//
// Deciding is one goroutine; it owns the snapshot. Binding overlaps with the next decisions.
//
// Pods of equal shape share work. What the node-local plugins (see package profile) say depends on the pod's signature and on
// one node; a class keeps those verdicts and scores for all nodes, brings up to date only nodes that changed, and serves
// every pod with the same signature. So the second of ten thousand replicas costs the nodes the first one changed, and one
// pass over the totals. Plugins that look at several nodes (spreading, pod affinity, volumes, devices) run for each pod as ever, on
// the nodes the class lets through. A class looks at all nodes, so percentageOfNodesToScore limits only the others.
package cycle
