// Package lifecycle runs several components together in one process without giving them one fate.
//
// A Group is given Members. Each says how to build a fresh Runner and which other members must
// have been ready once before it starts. Run then
//
//   - starts every member as soon as all it needs have been ready for the first time;
//   - when a member's Run ends, fails or panics, reports it and starts that member alone again
//     after a back-off; the others go on, they never notice but through their own connections;
//   - when a member fails with a Permanent error, or ctx ends, stops the members in reverse
//     order: one is told to stop when all that need it have ended (or have used up their grace);
//   - returns when every goroutine it started has ended.
//
// A restart of a member does not restart those that need it: components reconnect by themselves.
//
// Readiness: a Runner that has a Ready() method is ready when that channel closes; others are
// ready when Run was called; a OneShot member is ready when its Run has returned nil.
//
// The package knows nothing of what it runs. Any assembler may import it.
package lifecycle
