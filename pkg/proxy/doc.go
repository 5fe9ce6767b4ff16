// Package proxy is kube-proxy: it makes Services reachable on its node.
//
// One loop does the work, and one thing only goes round in it:
//
//	informers -> services.Tracker -> services.Change -> nftables.Table (one for each family)
//	                                               \-> conntrack, healthcheck, metrics
//
// A change is programmed at once, unless passes have taken more than a fifth of the
// time for a while: then the changes of at least minSyncPeriod are gathered (see budget).
// A pass costs what changed. When a pass fails, the next one, after a back-off, loads everything.
//
// New starts nothing; Run returns when all it started has ended and leaves the rules in the
// kernel, so that services go on while the proxy is replaced.
//
// Who may import it: commands and the all-in-one.
package proxy
