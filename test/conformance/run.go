package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// runCommand is `conformance run`.
func runCommand(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	var s suiteRunner
	flags.StringVar(&s.bin, "bin", "_output/upstream/bin", "directory of ginkgo, e2e.test and kubectl")
	flags.StringVar(&s.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "administrator's kubeconfig of the cluster")
	flags.StringVar(&s.nodes, "num-nodes", "", "number of nodes (default: the suite counts)")
	results := flags.String("results", "_output/conformance", "directory that keeps every run")
	focus := flags.String("focus", "", "a source file (common/node/pods.go), a SIG (sig-node) or a regular expression; empty for all 446")
	procs := flags.Int("procs", 7, "workers for the tests that may run together")
	resume := flags.Bool("resume", false, "leave out tests whose latest verdict is passed")
	limit := flags.Duration("time-limit", 0, "interrupt the suite after this time, keeping what is done")
	command := flags.String("command", "", "command to write into the report (default: this one)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s.extra = flags.Args()
	s.output = out
	for _, path := range []*string{&s.bin, &s.kubeconfig, results} {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	tests, err := pick(*results, *focus, *resume)
	if err != nil || len(tests) == 0 {
		return err
	}
	if *command == "" {
		*command = "conformance run " + strings.Join(args, " ")
	}
	if *limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *limit)
		defer cancel()
	}
	run, err := describe(ctx, s, *results, *command, len(tests))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d tests, results in %s\n", len(tests), run.dir)
	runErr := execute(ctx, s, run.dir, tests, *procs)
	run.Ended = time.Now()
	run.Interrupted = ctx.Err() != nil
	if err := errors.Join(runErr, run.save()); err != nil {
		return err
	}
	return summarize(out, run, tests)
}

// pick selects the tests of a run.
func pick(results, focus string, resume bool) ([]Test, error) {
	all, err := suite()
	if err != nil {
		return nil, err
	}
	tests, err := selectTests(all, focus)
	if err != nil || !resume {
		return tests, err
	}
	runs, err := loadRuns(results)
	if err != nil {
		return nil, err
	}
	done := merge(runs)
	return filter(tests, func(t Test) bool { return done[t.Name].Verdict != Passed }), nil
}

// execute runs both parts; the serial one also when tests of the first failed.
func execute(ctx context.Context, s suiteRunner, dir string, tests []Test, procs int) error {
	parallel := filter(tests, func(t Test) bool { return !t.Serial })
	serial := filter(tests, func(t Test) bool { return t.Serial })
	if len(parallel) > 0 {
		if err := s.run(ctx, filepath.Join(dir, parallelPart), parallel, min(procs, len(parallel))); err != nil {
			return fmt.Errorf("tests that run together: %w", err)
		}
	}
	if len(serial) == 0 || ctx.Err() != nil {
		return nil
	}
	if err := s.run(ctx, filepath.Join(dir, serialPart), serial, 1); err != nil {
		return fmt.Errorf("serial tests: %w", err)
	}
	return nil
}

// describe asks the cluster what it is and makes the run's directory.
func describe(ctx context.Context, s suiteRunner, results, command string, selected int) (*Run, error) {
	text, err := kubectl(ctx, s, "get", "--raw", "/version")
	if err != nil {
		return nil, fmt.Errorf("the cluster does not answer: %w", err)
	}
	var server struct{ GitVersion string }
	if err := json.Unmarshal([]byte(text), &server); err != nil {
		return nil, fmt.Errorf("reading the server's version: %w", err)
	}
	nodes, err := kubectl(ctx, s, "get", "nodes", "-o", "name")
	if err != nil {
		return nil, err
	}
	// Outside a checkout there is no commit to name.
	commit, _ := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	return newRun(results, Run{
		Started: time.Now(), Command: command, Server: server.GitVersion, Nodes: len(strings.Fields(nodes)),
		Commit: strings.TrimSpace(string(commit)), Selected: selected,
	})
}

func kubectl(ctx context.Context, s suiteRunner, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "kubectl"), append([]string{"--kubeconfig=" + s.kubeconfig}, args...)...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// summarize prints the verdicts of one run and fails when a test did.
func summarize(out io.Writer, run *Run, tests []Test) error {
	run.outcomes = map[string]Outcome{}
	if err := run.load(); err != nil {
		return err
	}
	passed, failed := 0, 0
	for _, t := range tests {
		switch run.outcomes[t.Name].Verdict {
		case Passed:
			passed++
		case Failed:
			failed++
			fmt.Fprintf(out, "failed: %s\n", t.Name)
		}
	}
	missing := len(tests) - passed - failed
	fmt.Fprintf(out, "%d passed, %d failed, %d not run\n", passed, failed, missing)
	if failed > 0 || missing > 0 {
		return fmt.Errorf("%d of %d tests did not pass", failed+missing, len(tests))
	}
	return nil
}
