// Package conntrack keeps the kernel's connection tracking in line with the
// services.
//
// UDP has no end of connection: as long as a client keeps sending, its entry
// lives, and with it the decision that was made for its first packet. When that
// endpoint is gone, or when there was none, packets go on to nowhere. So after the
// rules changed, entries whose decision the rules would not make any more are deleted:
// Stale decides, purely, which they are; Cleaner reads and deletes through netlink. Only
// UDP is touched, only frontends whose endpoints changed, and no entry that is still good.
//
// Sysctls sets the limits and timeouts of the configuration.
package conntrack
