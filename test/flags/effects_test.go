package flags

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// effect is a start of both servers.
type effect struct {
	name string
	settings
	// against are the arguments of the server without the flags; nil is the one that has the base's alone.
	against []string
	// answer is what the server's hook answers; nil answers with an empty object.
	answer func(h *hook, c call) (int, any)
	// before makes what must be there before the server starts, such as a plugin behind a socket.
	before func(w *world)
	probes []probe
}

// probe looks at what a flag does.
type probe struct {
	// flag is the flag, or several that only act together.
	flag string
	see  func(w *world) string
	// inert flags do nothing in either server, and our log must say so at the start.
	inert bool
	// alike says why a server without the flag does the same here.
	alike string
}

// world is what a probe sees: one server and what stands beside it.
type world struct {
	*server
	t    *testing.T
	hook *hook
	// given is what before left.
	given map[string]any
}

// effects are the starts, in the order of docs/flags.md.
func effects() []effect {
	var out []effect
	for _, part := range [][]effect{authenticationEffects, authorizationEffects, admissionEffects, auditEffects, encryptionEffects, servingEffects, limitEffects, clusterEffects} {
		out = append(out, part...)
	}
	return out
}

// TestFlagEffects starts both servers with telling values and looks at what they do. FLAGS_EFFECT names rows (parts of their names,
// separated by commas).
func TestFlagEffects(t *testing.T) {
	b := newBench(t)
	plain := b.start(t, ours, settings{})
	// Most of the time the probes wait.
	slots := make(chan struct{}, 3)
	t.Run("all", func(t *testing.T) {
		for _, e := range effects() {
			if !asked(e.name) {
				continue
			}
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				compare(t, b, plain, e)
			})
		}
	})
}

func asked(name string) bool {
	list := os.Getenv("FLAGS_EFFECT")
	for _, part := range strings.Split(list, ",") {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

func compare(t *testing.T, b *bench, plain *server, e effect) {
	open := func(side string, c settings) *world {
		w := &world{t: t, hook: newHook(t, e.answer), given: map[string]any{}}
		c.hook = w.hook
		c.before = func(s *server) {
			w.server = s
			if e.before != nil {
				e.before(w)
			}
		}
		w.server = b.start(t, side, c)
		if w.Ended() {
			t.Fatalf("%s refuses: %s", side, w.refusal())
		}
		return w
	}
	worlds := [3]*world{2: {t: t, server: plain, hook: newHook(t, e.answer), given: map[string]any{}}}
	together(
		func() { worlds[0] = open(upstream, e.settings) },
		func() { worlds[1] = open(ours, e.settings) },
		func() {
			if e.against != nil {
				worlds[2] = nil
				c := e.settings
				c.args = e.against
				worlds[2] = open(ours, c)
			}
		},
	)
	if worlds[0] == nil || worlds[1] == nil || worlds[2] == nil {
		return
	}
	for _, p := range e.probes {
		t.Run(p.flag, func(t *testing.T) {
			var seen [3]string
			var acts []func()
			for i, w := range worlds {
				acts = append(acts, func() {
					own := *w
					own.t = t
					seen[i] = w.same(p.see(&own))
				})
			}
			together(acts...)
			if seen[0] != seen[1] {
				t.Errorf("they do not do the same:\ntheirs %s\nours   %s", seen[0], seen[1])
			}
			switch log := worlds[1].output(); {
			case p.inert && seen[1] != seen[2]:
				t.Errorf("it does something: %s, and without the flag: %s", seen[1], seen[2])
			case p.inert && !(strings.Contains(log, "A flag has no effect") && strings.Contains(log, "--"+p.flag)):
				t.Error("the log does not say that it has no effect")
			case !p.inert && p.alike == "" && seen[1] == seen[2]:
				t.Errorf("it is the same without the flag: %s", seen[1])
			}
			t.Logf("seen: %s\nwithout: %s", clip(seen[1]), clip(seen[2]))
		})
	}
}

func clip(text string) string {
	if len(text) > 600 {
		return text[:600] + "…"
	}
	return text
}

// together does all at once and waits.
func together(acts ...func()) {
	var all sync.WaitGroup
	for _, act := range acts {
		all.Add(1)
		go func() {
			defer all.Done()
			act()
		}()
	}
	all.Wait()
}

// get is what a path answers.
func (w *world) get(path string) reply { return w.ask(request{path: path}) }

// post creates an object.
func (w *world) post(path, body string) reply {
	return w.ask(request{method: "POST", path: path, body: body})
}

// verdict is a refusal as people read it, or the code alone.
func verdict(r reply) string {
	if r.code == 0 {
		return r.String()
	}
	v := decode(r.body)
	if v["kind"] != "Status" || v["status"] == "Success" {
		return fmt.Sprint(r.code)
	}
	return fmt.Sprint(r.code, " ", v["reason"], ": ", v["message"])
}

// picked are parts of the answer, by path.
func picked(r reply, paths ...[]any) string {
	v := decode(r.body)
	out := []string{fmt.Sprint(r.code)}
	for _, p := range paths {
		text, _ := json.Marshal(dig(v, p...))
		out = append(out, string(text))
	}
	return strings.Join(out, " ")
}

func at(path ...any) []any { return path }

// until looks again and again until what is seen is good, and gives back the last.
func (w *world) until(limit time.Duration, see func() (string, bool)) string {
	end := time.Now().Add(limit)
	for {
		text, good := see()
		if good || time.Now().After(end) {
			return text
		}
		// The servers have no way to tell us.
		time.Sleep(50 * time.Millisecond)
	}
}

// steady waits until the count is at least n, and then until it has stayed the same for a second: that no more come gives no sign of its own.
func (w *world) steady(n int, count func() int) int {
	w.until(patience/2, func() (string, bool) { return "", count() >= n })
	last, since := count(), time.Now()
	w.until(patience, func() (string, bool) {
		if now := count(); now != last {
			last, since = now, time.Now()
		}
		return "", time.Since(since) > time.Second
	})
	return last
}

// names are the given headers of an answer.
func names(r reply, keys ...string) string {
	var out []string
	for _, k := range keys {
		if v := r.header.Values(k); len(v) > 0 {
			out = append(out, k+"="+strings.Join(v, ","))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "; ")
}

// within is a context for requests that the server may hold.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// metric is the lines of /metrics that begin so and hold all words.
func (w *world) metric(begin string, words ...string) string {
	var out []string
	for _, line := range strings.Split(w.get("/metrics").body, "\n") {
		found := strings.HasPrefix(line, begin)
		for _, word := range words {
			found = found && strings.Contains(line, word)
		}
		if found {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
