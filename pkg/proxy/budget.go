package proxy

import "time"

const (
	// share of the time that passes may take in the long run is one part in so many.
	share = 5
	// saved is how much work may be done without a wait after a quiet time. A pass costs what changed, some tens of milliseconds,
	// and a rolling update makes two such changes for each pod: were they to wait, requests would go to pods that have ended.
	saved = 2 * time.Second
)

// budget decides how long a pass is put off. As long as there is some left passes follow changes at once. When it is used up, as with
// thousands of services that change all the time, the changes of at least the period are gathered into one pass.
type budget struct {
	period time.Duration
	used   time.Duration
	// began and ended are of the last pass.
	began, ended time.Time
}

// spend notes a pass.
func (b *budget) spend(began, ended time.Time) {
	b.used = b.usedAt(began) + ended.Sub(began)
	b.began, b.ended = began, ended
}

// usedAt is what has been used and did not come back yet.
func (b *budget) usedAt(now time.Time) time.Duration {
	return max(0, b.used-now.Sub(b.ended)/share)
}

// wait is how long to gather changes before the next pass.
func (b *budget) wait(now time.Time) time.Duration {
	over := b.usedAt(now) - saved
	if over < 0 {
		return 0
	}
	return max(over*share, b.began.Add(b.period).Sub(now), 0)
}
