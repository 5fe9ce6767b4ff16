package oracle

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// happening is something that changed after a server was told to end.
type happening struct {
	what string
	at   time.Duration
}

// ending watches a server end.
type ending struct {
	start time.Time

	mu   sync.Mutex
	last map[string]string
	list map[string][]happening
}

// note records what somebody sees, if it is new.
func (e *ending) note(who, what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last[who] == what {
		return
	}
	e.last[who] = what
	e.list[who] = append(e.list[who], happening{what, time.Since(e.start)})
}

// slowHook answers admission after a while. It counts who has asked.
func slowHook(t *testing.T, after time.Duration) (*httptest.Server, *atomic.Int64) {
	asked := &atomic.Int64{}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked.Add(1)
		uid := regexp.MustCompile(`"uid":"([^"]+)"`).FindSubmatch(body)
		time.Sleep(after)
		fmt.Fprintf(w, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":%q,"allowed":true}}`, uid[1])
	}))
	t.Cleanup(s.Close)
	return s, asked
}

const hookDelay = 4 * time.Second

// patientEnd is how much earlier or later than the other a server may do something: the machine may be busy.
const patientEnd = 4 * time.Second

// seen is what an answer is to somebody who watches a server end.
func seen(resp *http.Response, err error) string {
	if err != nil {
		switch text := err.Error(); {
		case strings.Contains(text, "refused"):
			return "refused"
		case strings.Contains(text, "EOF"), strings.Contains(text, "reset"), strings.Contains(text, "closed"), strings.Contains(text, "GOAWAY"):
			return "closed"
		default:
			return "broken"
		}
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	out := fmt.Sprint(resp.StatusCode)
	if after := resp.Header.Get("Retry-After"); after != "" {
		out += " retry after " + after
	}
	if resp.Header.Get("Connection") != "" || resp.Close {
		out += " close"
	}
	return out
}

// watchEnd tells a server to end and watches it.
func watchEnd(ctx context.Context, t *testing.T, s *told) (*ending, error) {
	hook, asked := slowHook(t, hookDelay)
	if _, err := s.do(ctx, "POST", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", fmt.Sprintf(`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"slow"},"webhooks":[{"name":"slow.example.org","clientConfig":{"url":%q,"caBundle":%q},"failurePolicy":"Fail","sideEffects":"None","timeoutSeconds":10,"admissionReviewVersions":["v1"],"rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}]}]}`, hook.URL, (&hooks{hook}).given()["ca"])); err != nil {
		return nil, err
	}
	// The webhook is known when a create takes its time.
	if err := s.until(ctx, 30*time.Second, func() (bool, error) {
		start := time.Now()
		_, err := s.send(ctx, request{method: "POST", path: mapPath + "?dryRun=All", body: fmt.Appendf(nil, mapBody, "known")})
		return time.Since(start) > hookDelay/2, err
	}); err != nil {
		return nil, err
	}
	e := &ending{last: map[string]string{}, list: map[string][]happening{}, start: time.Now()}
	var group sync.WaitGroup
	client := func(alone bool) *http.Client {
		config, err := rest.TLSConfigFor(s.config)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: alone}
		if !alone {
			config.NextProtos = []string{"http/1.1"}
			transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		}
		return &http.Client{Transport: transport, Timeout: 20 * time.Second}
	}
	ask := func(c *http.Client, method, path, body string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, method, s.host+path, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", jsonType)
		return c.Do(req)
	}
	// A request that is under way, and a watch.
	creator, watcher := client(false), client(false)
	before := asked.Load()
	group.Go(func() {
		resp, err := ask(creator, "POST", mapPath, fmt.Sprintf(mapBody, "under-way"))
		e.note("request under way", seen(resp, err))
	})
	resp, err := ask(watcher, "GET", mapPath+"?watch=true&timeoutSeconds=120", "")
	if err != nil {
		return nil, err
	}
	group.Go(func() {
		defer resp.Body.Close()
		lines := bufio.NewReader(resp.Body)
		for {
			if _, err := lines.ReadString('\n'); err != nil {
				what := "ends well"
				if err != io.EOF {
					what = "breaks"
				}
				e.note("watch", what)
				return
			}
		}
	})
	if err := s.until(ctx, 30*time.Second, func() (bool, error) { return asked.Load() > before, nil }); err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.start = time.Now()
	e.mu.Unlock()
	if err := s.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return nil, err
	}
	over := make(chan struct{})
	for _, w := range []struct {
		who, path string
		alone     bool
	}{
		{"readyz", "/readyz", false}, {"livez", "/livez", false}, {"healthz", "/healthz", false},
		{"request on an old connection", namespaced + "secrets", false}, {"request on a new connection", namespaced + "secrets", true},
	} {
		c := client(w.alone)
		if !w.alone {
			if resp, err := ask(c, "GET", "/version", ""); err == nil {
				seen(resp, nil)
			}
		}
		group.Go(func() {
			tick := time.NewTicker(150 * time.Millisecond)
			defer tick.Stop()
			for {
				resp, err := ask(c, "GET", w.path, "")
				e.note(w.who, seen(resp, err))
				select {
				case <-over:
					return
				case <-tick.C:
				}
			}
		})
	}
	select {
	case <-s.Done():
		e.note("process", fmt.Sprint("ends with ", s.Cmd.ProcessState.ExitCode()))
	case <-time.After(90 * time.Second):
		e.note("process", "does not end")
	}
	close(over)
	group.Wait()
	return e, nil
}

// signals are the steps of the end that the log names.
var signals = regexp.MustCompile(`shutdown event" name="([^"]+)"`)

// TestShutdown compares how both servers end: what those see that ask meanwhile, and when.
func TestShutdown(t *testing.T) {
	if testing.Short() {
		t.Skip("servers end in their own time")
	}
	both := programs(t)
	for _, flags := range [][]string{
		nil,
		{"--shutdown-delay-duration=6s"},
		{"--shutdown-delay-duration=6s", "--shutdown-send-retry-after=true"},
		{"--shutdown-watch-termination-grace-period=8s"},
		{"--shutdown-delay-duration=4s", "--shutdown-send-retry-after=true", "--shutdown-watch-termination-grace-period=6s"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			ends := make([]*ending, len(both))
			var logs [2]string
			for i, b := range both {
				s := startTold(t, b, append(flags, "--v=2")...)
				var err error
				if ends[i], err = watchEnd(t.Context(), t, s); err != nil {
					t.Fatalf("%s: %v", b.name, err)
				}
				data, err := os.ReadFile(s.log)
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, m := range signals.FindAllSubmatch(data, -1) {
					names = append(names, string(m[1]))
				}
				// The last steps go side by side.
				slices.Sort(names)
				logs[i] = strings.Join(names, " ")
			}
			for _, who := range sortedKeys(ends[0].list) {
				theirs, ours := ends[0].list[who], ends[1].list[who]
				// What is between the first and the last is over in a moment, and seen or not: refusals of what came too late.
				first, last := theirs[0].what != ours[0].what, theirs[len(theirs)-1].what != ours[len(ours)-1].what
				d := theirs[len(theirs)-1].at - ours[len(ours)-1].at
				differ := first || last || d > patientEnd || d < -patientEnd
				if differ {
					t.Errorf("%s\ntheirs %v\nours   %v", who, theirs, ours)
				} else {
					t.Logf("%s %v", who, ours)
				}
			}
			if logs[0] != logs[1] {
				t.Errorf("the log\ntheirs\n%s\nours\n%s", logs[0], logs[1])
			} else {
				t.Log(logs[0])
			}
		})
	}
}
