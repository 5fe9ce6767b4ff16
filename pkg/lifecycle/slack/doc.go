// Package slack lets the timers of a process that has nothing to do wake it together.
//
// A control plane keeps hundreds of timers that go off once or twice a second: ticks, metrics of queues, bookmarks. Each wakes a
// thread, and waking costs more than what there is to do then. Linux can be told that a sleeping thread may be woken a little
// late (timer slack, prctl(2)); what became due meanwhile is done in one go. Nothing that arrives, a request or an event, waits
// for that, and a process that is busy sleeps so little that its timers are on time.
//
// Processes inherit the slack of the thread that starts them. Those that are to keep time as usual are started by Usual.
package slack
