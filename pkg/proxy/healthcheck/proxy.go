package healthcheck

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

// Proxy keeps the health of the proxy itself. Each family is on its own: one
// that hangs makes the proxy unhealthy whatever the other does.
type Proxy struct {
	clock   clock.PassiveClock
	timeout time.Duration
	// Count is told the code of each answer, with the path.
	count func(path string, code int)

	mu       sync.RWMutex
	families [2]familyHealth
	eligible bool
}

type familyHealth struct {
	on      bool
	updated time.Time
	// pending is when the oldest change arrived that is not in the kernel yet.
	pending time.Time
}

// NewProxy returns the health of a proxy for the families. A change that has waited
// longer than timeout makes it unhealthy.
func NewProxy(c clock.PassiveClock, timeout time.Duration, families []services.Family, count func(path string, code int)) *Proxy {
	p := &Proxy{clock: c, timeout: timeout, count: count, eligible: true}
	for _, f := range families {
		p.families[f].on = true
	}
	return p
}

// Queued notes that a change arrived.
func (p *Proxy) Queued(f services.Family) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.families[f].pending.IsZero() {
		p.families[f].pending = p.clock.Now()
	}
}

// Updated notes that all changes that had arrived at the given time are in the kernel.
func (p *Proxy) Updated(f services.Family, queued time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &p.families[f]
	h.updated = p.clock.Now()
	if !h.pending.After(queued) {
		h.pending = time.Time{}
	}
}

// SetEligible notes whether the node should get new traffic.
func (p *Proxy) SetEligible(ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.eligible = ok
}

// familyStatus is the wire form of one family's state.
type familyStatus struct {
	LastUpdated time.Time `json:"lastUpdated"`
	Healthy     bool      `json:"healthy"`
}

// answer is the wire form of the whole.
type answer struct {
	LastUpdated  time.Time               `json:"lastUpdated"`
	CurrentTime  time.Time               `json:"currentTime"`
	NodeEligible *bool                   `json:"nodeEligible,omitempty"`
	Healthy      bool                    `json:"healthy"`
	Status       map[string]familyStatus `json:"status"`
}

// Healthy tells whether the rules are in the kernel and up to date.
func (p *Proxy) Healthy() bool {
	ok, _, _ := p.state()
	return ok
}

func (p *Proxy) state() (healthy, eligible bool, status map[string]familyStatus) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	now := p.clock.Now()
	healthy, status = true, map[string]familyStatus{}
	for _, f := range services.Families {
		h := p.families[f]
		if !h.on {
			continue
		}
		ok := !h.updated.IsZero() && (h.pending.IsZero() || now.Sub(h.pending) < p.timeout)
		healthy = healthy && ok
		status[f.String()] = familyStatus{LastUpdated: h.updated, Healthy: ok}
	}
	return healthy, p.eligible, status
}

// Install adds /healthz and /livez to a mux.
func (p *Proxy) Install(mux *http.ServeMux) {
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { p.serve(w, "/healthz") })
	mux.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) { p.serve(w, "/livez") })
}

func (p *Proxy) serve(w http.ResponseWriter, path string) {
	healthy, eligible, status := p.state()
	var last time.Time
	for _, s := range status {
		if s.LastUpdated.After(last) {
			last = s.LastUpdated
		}
	}
	now := p.clock.Now()
	body := answer{LastUpdated: last, CurrentTime: now, Healthy: healthy, Status: status}
	ok := healthy
	if path == "/healthz" {
		ok = healthy && eligible
		body.NodeEligible = &eligible
	}
	if ok {
		// Nothing to do is as good as done: the state is that of now.
		body.LastUpdated = now
	}
	code := http.StatusOK
	if !ok {
		code = http.StatusServiceUnavailable
	}
	p.count(path, code)
	data, err := json.Marshal(body)
	write(w, code, data, err)
}

func write(w http.ResponseWriter, code int, body []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(body)
}
