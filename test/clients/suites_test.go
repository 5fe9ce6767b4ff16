package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// suiteTime bounds one package on one side.
const suiteTime = 15 * time.Minute

func TestSuites(t *testing.T) {
	asked(t)
	bins := map[side]string{}
	for _, s := range sides {
		bins[s] = assets(t, s)
	}
	only := strings.FieldsFunc(os.Getenv("CLIENTS_SUITE"), func(r rune) bool { return r == ',' })
	counts := report{path: os.Getenv("CLIENTS_REPORT")}
	for _, s := range suites {
		if len(only) > 0 && !slices.Contains(only, s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			dir, version := source(t, s)
			for _, pkg := range s.packages {
				t.Run(pkg, func(t *testing.T) {
					binary := compile(t, s, pkg)
					var all map[side]outcomes
					// A difference is one if it comes twice: many of these tests race with a clock.
					var differ []string
					for range 2 {
						all = map[side]outcomes{}
						for _, side := range sides {
							all[side] = run(t, s, side, binary, filepath.Join(dir, pkg), bins[side])
							t.Logf("%s: %s", side, all[side])
						}
						if differ = differences(all[upstream], all[ours]); len(differ) == 0 {
							break
						}
						t.Logf("differ:\n%s", strings.Join(differ, "\n"))
					}
					if len(differ) > 0 {
						t.Errorf("%d tests fare otherwise:\n%s", len(differ), strings.Join(differ, "\n"))
					}
					if len(all[upstream]) == 0 {
						t.Error("no test ran with upstream")
					}
					counts.add(s, version, pkg, all, differ)
				})
			}
		})
	}
	if err := counts.write(); err != nil {
		t.Error(err)
	}
}

// source copies a pinned module to a folder that its tests may write to.
func source(t *testing.T, s suite) (dir, version string) {
	t.Helper()
	// A module that cannot be fetched is no fault of the server's.
	if out, err := command(s, "go", "mod", "download", s.path).CombinedOutput(); err != nil {
		t.Skipf("%s cannot be fetched: %v\n%s", s.path, err, out)
	}
	out, err := command(s, "go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", s.path).Output()
	if err != nil {
		t.Fatalf("looking for %s: %v", s.path, err)
	}
	from, version, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir, version
}

// command runs in the module that pins a suite.
func command(s suite, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = module(s.name)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly -p=2")
	return cmd
}

// compile makes the test binary of a package.
func compile(t *testing.T, s suite, pkg string) string {
	t.Helper()
	binary := built(t, "suites", s.name, strings.ReplaceAll(pkg, "/", "_")+".test")
	cmd := command(s, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", binary, strings.TrimSuffix(s.path+"/"+pkg, "/."))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return binary
}

// run lets the tests of a package judge a side.
func run(t *testing.T, s suite, side side, binary, dir, bins string) outcomes {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), suiteTime)
	defer cancel()
	home := t.TempDir()
	junit := filepath.Join(home, "junit.xml")
	args := []string{"-test.v", "-test.timeout=" + suiteTime.String()}
	if help, _ := exec.Command(binary, "-test.run=^$", "-h").CombinedOutput(); bytes.Contains(help, []byte("ginkgo.junit-report")) {
		args = append(args, "-ginkgo.no-color", "-ginkgo.seed=1", "-ginkgo.junit-report="+junit)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	cmd.Env = append(shadow(os.Environ(), "HOME", "TMPDIR", "KUBECONFIG", "KUBEBUILDER_ASSETS", "USE_EXISTING_CLUSTER"),
		"HOME="+home, "TMPDIR="+home, "KUBEBUILDER_ASSETS="+bins)
	// Tests that fail, or are ended, leave their servers behind.
	defer reap(t, "TMPDIR="+home)
	log, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", side, err)
	}
	kept := built(t, "logs", s.name, fmt.Sprintf("%s.%s.log", filepath.Base(binary), side))
	if err := os.WriteFile(kept, log, 0o644); err != nil {
		t.Fatal(err)
	}
	o := outcomes{}
	o.fromGo(log)
	if report, err := os.ReadFile(junit); err == nil {
		if err := o.fromJUnit(report); err != nil {
			t.Error(err)
		}
	}
	return o
}

// reap ends the processes that have an entry in their environment.
func reap(t *testing.T, entry string) {
	t.Helper()
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range environments {
		// A process may be gone by now, or be somebody else's.
		environment, err := os.ReadFile(path)
		if err != nil || !slices.Contains(strings.Split(string(environment), "\x00"), entry) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
