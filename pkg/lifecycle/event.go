package lifecycle

import "time"

// Phase is the state of a member.
type Phase string

// The phases a member goes through. Failed is followed by Starting after the back-off.
const (
	Waiting  Phase = "Waiting"  // for the members it needs
	Starting Phase = "Starting" // being built, or not ready yet
	Ready    Phase = "Ready"
	Done     Phase = "Done" // a OneShot member that succeeded
	Failed   Phase = "Failed"
	Stopping Phase = "Stopping"
	Stopped  Phase = "Stopped"
)

// Event is one change of a member's phase.
type Event struct {
	Member string
	Phase  Phase
	// Err is why it failed; on Stopped what Run returned, if that is worth a line.
	Err error
	// Restarts counts how often the member was started again.
	Restarts int
	// Delay is how long a failed member waits before it starts again.
	Delay time.Duration
	// Took is the time since the member began to start, on Ready and Done.
	Took time.Duration
}
