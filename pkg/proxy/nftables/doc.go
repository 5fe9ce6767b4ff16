// Package nftables presents a services.Snapshot to the kernel.
//
// There are three rooms, and only the last does I/O:
//
//	rules*.go   pure: Base(node) and ForService(service) say which objects the table needs
//	ruleset.go  pure: which of them are new, different or gone, counted by owner
//	apply.go    one transaction with the difference, through knftables
//
// # Shape of the table
//
// A service with plain random balancing has no chain of its own. The verdict
// maps service-ips and service-nodeports send a packet to one of a few chains
// that all services with the same number of endpoints share (cluster-services-tcp-3,
// masquerade-nodeports-tcp-3 ...), and that chain looks the endpoint up:
//
//	dnat ip to ip daddr . tcp dport . numgen random mod 3 map @service-endpoints-tcp
//
// So adding an endpoint adds one element and exchanges one more, in hash tables, in
// a table that has as many chains with five thousand services as with five.
// That matters twice: nft reads the list of all chains before each transaction,
// and the kernel walks all chains that a verdict may lead to when it commits.
// Services with session affinity or source ranges, which need state or lists of
// their own, have chains of their own.
//
// Masquerading is decided by a mark that nat-postrouting turns into a source
// address, and, for a pod that reaches itself through a service, by the set
// hairpin-ips of this node's endpoint addresses paired with themselves.
//
// # Life of the table
//
// The table is called kube-proxy, in the families ip and ip6, as upstream's is. The first
// transaction deletes what is there and loads everything at once; the kernel
// changes from the old rules to the new in one step and established connections go on.
// Later transactions contain differences only. After any failure the next one is complete
// again. Nothing is ever listed.
package nftables
