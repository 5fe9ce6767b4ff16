package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// progressFile is written test by test, beside the JUnit file that appears only at the end: a suite that is killed, or whose
// machine stops, keeps what it had done.
const progressFile = "progress.tsv"

// progress receives what the suite's workers report after each test, writes it down and prints it.
type progress struct {
	mu    sync.Mutex
	file  *os.File
	out   io.Writer
	total int
	seen  map[string]bool
}

// listen serves a progress on loopback until stop is called, and returns its URL.
func (p *progress) listen() (url string, stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listening for the suite's progress: %w", err)
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	return "http://" + l.Addr().String(), func() error {
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(end); err != nil {
			return err
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, nil
}

// ServeHTTP takes one report. Its message is "PASSED name" or "FAILED name"; other messages are about the suite as a whole.
func (p *progress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var report struct {
		Message string `json:"msg"`
	}
	if err := json.NewDecoder(r.Body).Decode(&report); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	word, name, _ := strings.Cut(report.Message, " ")
	verdict := Verdict(strings.ToLower(word))
	if verdict != Passed && verdict != Failed {
		return
	}
	if err := p.record(verdict, name); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// record writes a verdict once: a worker repeats its last message when the suite ends.
func (p *progress) record(verdict Verdict, name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen[name] {
		return nil
	}
	p.seen[name] = true
	if _, err := fmt.Fprintf(p.file, "%s\t%s\n", verdict, name); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "[%3d/%d] %s %s\n", len(p.seen), p.total, verdict, name)
	return err
}

// readProgress returns the verdicts of a progress file, without times and messages; a file that is not there has none.
func readProgress(path string) (map[string]Outcome, error) {
	outcomes := map[string]Outcome{}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return outcomes, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		verdict, name, ok := strings.Cut(s.Text(), "\t")
		if ok && (Verdict(verdict) == Passed || Verdict(verdict) == Failed) {
			outcomes[name] = Outcome{Verdict: Verdict(verdict)}
		}
	}
	return outcomes, nil
}
