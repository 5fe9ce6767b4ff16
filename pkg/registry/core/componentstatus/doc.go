// Package componentstatus is what the API does with componentstatuses: it asks the other components of the control plane how
// they are, at the moment somebody reads, and stores nothing.
//
// The kind is deprecated since 1.19, and what it says is only true where scheduler and controller manager run beside the API
// server, on their usual ports.
package componentstatus
