// Package stack spares goroutines the growth of their stacks.
//
// A goroutine begins with 2 KiB. Each time that is not enough its stack is copied to one of twice the size, frame by frame, and pointers into it are
// corrected. A request goes through some hundred frames, in three goroutines of its own (the connection's, that of the filter for timeouts, and that of
// the change): it would grow each of them four times, most of it when the stack is deep already. That was a sixth of what a request cost.
//
// Go has no way to ask for a larger stack. But a function with a large frame needs one: called while the goroutine is still shallow, it leaves the room to those that
// are called after it. The collector gives back what a goroutine that lives on does not use.
package stack
