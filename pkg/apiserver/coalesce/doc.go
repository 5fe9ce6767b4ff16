// Package coalesce sends what is written to a connection in few system calls.
//
// An HTTP/2 server writes 4 KiB at a time, and whatever it has as soon as no stream has more: with many watches on a connection, a few events for
// each system call, and on the way to the network a system call costs more than all the rest of an event. Here a write is put beside what waits already,
// and a goroutine that lives as long as there is something sends all of it. When the machine has nothing else to do that is at once; when it has, what the other streams write in
// the meantime goes along.
package coalesce
