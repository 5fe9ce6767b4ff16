package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"tiphys.dev/tiphys/test/bench/report"
	"tiphys.dev/tiphys/test/peer"
)

// scenario measures one side.
type scenario struct {
	name, title string
	// needs are binaries that a side must have of its own.
	needs []string
	run   func(ctx context.Context, b *bench, s side, rec recorder) error
}

// scenarios in the order of the page.
var scenarios = []scenario{
	{"start", "Start of etcd and kube-apiserver", []string{"kube-apiserver"}, runStart},
	{"idle", "Control plane without work", []string{"kube-apiserver"}, runIdle},
	{"allinone", "Single-node clusters", []string{"kube-apiserver"}, runAllInOne},
	{"load", "kube-apiserver under load", []string{"kube-apiserver"}, runLoad},
	{"proxy", "kube-proxy (nftables)", []string{"kube-proxy"}, runProxy},
}

// bench is one invocation.
type bench struct {
	quick bool
	dir   string
	// ours is the folder of our binaries.
	ours     string
	services []int
	// profiles is where profiles of kube-apiserver go; empty takes none.
	profiles string
	// only is the one side to measure; empty measures both.
	only string
	rep  *report.Report
	// proxyAPIs serve the scenario proxy, by number of services, to both sides.
	proxyAPIs map[int]*running
}

// size chooses between full and quick.
func (b *bench) size(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}

func main() {
	// The load's clients run here, beside the server that is measured: what they spend on collecting is not the server's.
	debug.SetGCPercent(800)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	b := &bench{proxyAPIs: map[int]*running{}}
	var names, results, page, sizes string
	var clusters clusterFlag
	flag.StringVar(&names, "run", "start,idle,allinone,load,proxy,cluster", "scenarios to measure")
	flag.BoolVar(&b.quick, "quick", false, "small sizes, to see that it works; nothing is written to the page")
	flag.StringVar(&b.ours, "ours", "_output/bin", "folder of our binaries")
	flag.StringVar(&results, "results", "_output/bench/results.json", "where figures are kept")
	flag.StringVar(&page, "page", "docs/benchmarks.md", "the page to write")
	flag.StringVar(&sizes, "services", "1000,5000", "numbers of services for the scenario proxy")
	flag.StringVar(&b.profiles, "profiles", "", "folder for processor and heap profiles of kube-apiserver in the scenario load; they cost a few percent")
	flag.StringVar(&b.only, "side", "", "measure only this side, upstream or tiphys; nothing is written to the page")
	flag.Var(&clusters, "cluster", "SIDE=KUBECONFIG[,PID...]: a running cluster for the scenario cluster, with the processes that count")
	flag.Parse()
	if b.dir, err = os.MkdirTemp("", "tiphys-bench-"); err != nil {
		return err
	}
	if b.quick || b.profiles != "" || b.only != "" {
		results = filepath.Join(b.dir, "results.json")
	}
	if b.quick {
		sizes = "200"
	}
	for s := range strings.SplitSeq(sizes, ",") {
		var n int
		if _, err := fmt.Sscan(s, &n); err != nil {
			return fmt.Errorf("-services %q: %w", sizes, err)
		}
		b.services = append(b.services, n)
	}
	defer func() {
		for _, r := range b.proxyAPIs {
			err = errors.Join(err, r.stop())
		}
		err = errors.Join(err, os.RemoveAll(b.dir))
	}()
	if b.rep, err = report.Load(results); err != nil {
		return err
	}
	b.rep.Machine = machine()
	err = b.runAll(ctx, strings.Split(names, ","), clusters)
	if e := b.rep.Save(results); e != nil {
		return errors.Join(err, e)
	}
	if b.quick || b.profiles != "" || b.only != "" {
		return err
	}
	return errors.Join(err, b.writePage(page))
}

func (b *bench) runAll(ctx context.Context, names []string, clusters clusterFlag) error {
	sides := []side{{report.Upstream, peer.DefaultBinDir()}, {report.Ours, b.ours}}
	var errs []error
	for _, sc := range scenarios {
		if !slices.Contains(names, sc.name) {
			continue
		}
		fmt.Println(sc.title)
		for _, s := range sides {
			if b.only != "" && b.only != s.name {
				continue
			}
			if !s.has(sc.needs...) {
				fmt.Printf("  %s has no %s in %s\n", s.name, strings.Join(sc.needs, ", "), s.bins)
				continue
			}
			if err := sc.run(ctx, b, s, recorder{rep: b.rep, scenario: sc.name, side: s.name}); err != nil {
				errs = append(errs, fmt.Errorf("%s of %s: %w", sc.name, s.name, err))
			}
		}
	}
	if slices.Contains(names, "cluster") {
		for _, c := range clusters {
			fmt.Println(clusterTitle)
			if err := runCluster(ctx, b, c, recorder{rep: b.rep, scenario: "cluster", side: c.side}); err != nil {
				errs = append(errs, fmt.Errorf("cluster %s: %w", c.side, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (b *bench) writePage(path string) error {
	titles, order := map[string]string{"cluster": clusterTitle}, []string{}
	for _, sc := range scenarios {
		titles[sc.name] = sc.title
		order = append(order, sc.name)
	}
	return os.WriteFile(path, []byte(b.rep.Markdown(titles, append(order, "cluster"))), 0o644)
}

// machine describes where the figures come from.
func machine() string {
	model := "unknown processor"
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	busy, _ := os.ReadFile("/proc/loadavg")
	before, _, _ := strings.Cut(string(busy), " ")
	return fmt.Sprintf("%d cores (%s), Linux %s, load average before the last run %s (above 0.5 the times are those of a busy machine)",
		runtime.NumCPU(), model, strings.TrimSpace(string(kernel)), before)
}
