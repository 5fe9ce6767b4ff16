// Package process runs a program as a component: Run starts it, waits, and stops it in order.
//
// The child gets a process group of its own, so that a Ctrl-C on the terminal reaches only us and
// the order of stopping stays ours. It dies with us (PDEATHSIG), even when we are killed: the
// programs run this way keep nothing in memory that a restart would miss, and containers are
// children of their shims, not of containerd. Its output goes to a log file, or to the parent's
// own, a line at a time with the program's name before it.
//
// Ready closes when the probe given in Config succeeds for the first time. Programs offer no event
// for that, so this is the one place that asks again and again.
package process
