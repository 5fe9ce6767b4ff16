package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/test/bench/load"
	"tiphys.dev/tiphys/test/bench/measure"
	"tiphys.dev/tiphys/test/peer"
)

// How much the load is, in full and quick.
const (
	loadClients = 32
	listClients = 4
	loadSpace   = "bench"
	restTime    = 40 * time.Second
)

// runLoad measures one API server under load, with etcd as it is used in production (with fsync).
func runLoad(ctx context.Context, b *bench, s side, rec recorder) (err error) {
	dir := filepath.Join(b.dir, "load-"+s.name)
	bins, _, err := s.assemble(dir, "etcd", "kube-apiserver")
	if err != nil {
		return err
	}
	r, err := startCluster(ctx, peer.Config{Dir: dir, BinDir: bins})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	clients, err := load.NewClients(r.RESTConfig(peer.Admin), loadClients)
	if err != nil {
		return err
	}
	if err := prepare(ctx, clients[0]); err != nil {
		return err
	}
	pods := b.size(10000, 300)
	work := []struct {
		name string
		n    int
		goal float64
		call func(context.Context, *load.Client, int) error
	}{
		{"create pods", pods, 1.5, createPod},
		{"get pods", b.size(20000, 600), 1.5, func(ctx context.Context, c *load.Client, i int) error {
			_, err := c.Get(ctx, podPath(i%pods))
			return err
		}},
		{"merge-patch pods", b.size(5000, 300), 1.5, func(ctx context.Context, c *load.Client, i int) error {
			return c.Patch(ctx, podPath(i%pods), fmt.Appendf(nil, `{"metadata":{"annotations":{"bench":"%d"}}}`, i))
		}},
	}
	for _, w := range work {
		before, err := r.usage("kube-apiserver")
		if err != nil {
			return err
		}
		profiled := b.profile(ctx, clients[0], s.name, w.name)
		res, err := load.Do(ctx, clients, w.n, w.call)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		rec.rate(fmt.Sprintf("%s, %d clients", w.name, loadClients), "/s", res.Rate(), w.goal)
		rec.cost(w.name+", p50", "ms", ms(measure.Quantile(res.Latencies, 0.5)), 0)
		rec.cost(w.name+", p99", "ms", ms(measure.Quantile(res.Latencies, 0.99)), 1)
		after, err := r.usage("kube-apiserver")
		if err != nil {
			return err
		}
		// Unlike the rate, this hardly depends on what else the machine does.
		rec.cost(w.name+", CPU time of the server each", "ms", ms(after.CPU-before.CPU)/float64(w.n), 0)
		if err := errors.Join(profiled(), b.heap(ctx, clients[0], s.name, w.name)); err != nil {
			return err
		}
	}
	if err := lists(ctx, b, r, clients[:listClients], pods, rec); err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	if err := storm(ctx, b, r, clients[0], pods, rec); err != nil {
		return fmt.Errorf("storm: %w", err)
	}
	if err := watchStorm(ctx, b, r, clients[0], pods, rec); err != nil {
		return fmt.Errorf("storm of watches: %w", err)
	}
	if err := fanOut(ctx, b, r, rec); err != nil {
		return fmt.Errorf("watches: %w", err)
	}
	u, err := r.usage("kube-apiserver")
	if err != nil {
		return err
	}
	rec.cost("CPU time of kube-apiserver in all", "s", u.CPU.Seconds(), 0)
	// What it keeps when the work is done, not what it has not given back yet.
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(restTime):
	}
	if u, err = r.usage("kube-apiserver"); err != nil {
		return err
	}
	rec.cost(fmt.Sprintf("memory of kube-apiserver after %v of rest", restTime), "MiB", mib(u.RSS), 0)
	return nil
}

// prepare makes the namespace and what pods in it need without controllers.
func prepare(ctx context.Context, c *load.Client) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: loadSpace}}
	if _, err := c.Typed.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return err
	}
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	_, err := c.Typed.CoreV1().ServiceAccounts(loadSpace).Create(ctx, sa, metav1.CreateOptions{})
	return err
}

func podName(i int) string { return fmt.Sprintf("pod-%d", i) }

// inSpace is the path of a resource in the namespace of the load.
func inSpace(resource string) string { return "/api/v1/namespaces/" + loadSpace + "/" + resource }

func podPath(i int) string { return inSpace("pods/" + podName(i)) }

func createPod(ctx context.Context, c *load.Client, i int) error {
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: podName(i), Labels: map[string]string{"app": "bench", "part": fmt.Sprint(i % 10)}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "registry.k8s.io/pause:3.10.2",
			Env: []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}}}}},
	}
	return c.Create(ctx, inSpace("pods"), pod)
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Data:       map[string]string{"k": "v"},
	}
}

// lists reads all pods from the watch cache, again and again.
func lists(ctx context.Context, b *bench, r *running, clients []*load.Client, pods int, rec recorder) error {
	before, err := r.usage("kube-apiserver")
	if err != nil {
		return err
	}
	count := b.size(40, 8)
	profiled := b.profile(ctx, clients[0], rec.side, "list")
	res, err := load.Do(ctx, clients, count, func(ctx context.Context, c *load.Client, _ int) error {
		n, err := c.Get(ctx, "/api/v1/pods?resourceVersion=0")
		if err == nil && n < int64(pods)*100 {
			err = fmt.Errorf("%d bytes are too few for %d pods", n, pods)
		}
		return err
	})
	if err != nil {
		return err
	}
	rec.rate(fmt.Sprintf("list %d pods from cache, %d clients", pods, listClients), "/s", res.Rate(), 2)
	rec.cost("list, p99", "ms", ms(measure.Quantile(res.Latencies, 0.99)), 0)
	u, err := r.usage("kube-apiserver")
	if err != nil {
		return err
	}
	rec.cost("list, CPU time of the server each", "ms", ms(u.CPU-before.CPU)/float64(count), 0)
	rec.cost("peak memory of kube-apiserver after lists", "MiB", mib(u.Peak), 0.5)
	return errors.Join(profiled(), b.heap(ctx, clients[0], rec.side, "list"))
}

// stormBudget is what kube-apiserver may take in a storm, in MiB: the one that docs/architecture.md states.
const stormBudget = 704

// storm lets many clients list all pods at once, as they do after a disturbance, in the way that costs most: the newest state, not compressed.
// Pods change meanwhile, so that the state is seldom the same twice.
func storm(ctx context.Context, b *bench, r *running, writer *load.Client, pods int, rec recorder) error {
	clients, err := load.NewClients(r.RESTConfig(peer.Admin), b.size(100, 10))
	if err != nil {
		return err
	}
	if err := measure.ResetPeak(r.pids["kube-apiserver"]); err != nil {
		return err
	}
	stop := change(ctx, writer, pods)
	before, err := r.usage("kube-apiserver")
	if err != nil {
		return errors.Join(err, stop())
	}
	var refused, failed atomic.Int64
	res, err := load.Do(ctx, clients, 2*len(clients), func(ctx context.Context, c *load.Client, _ int) error {
		n, err := c.Get(ctx, "/api/v1/pods")
		if errors.Is(err, load.ErrRefused) {
			refused.Add(1)
			return nil
		}
		if err != nil && ctx.Err() == nil {
			// A server that is not up to it shall have figures, too.
			failed.Add(1)
			return nil
		}
		if err == nil && n < int64(pods)*100 {
			err = fmt.Errorf("%d bytes are too few for %d pods", n, pods)
		}
		return err
	})
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	after, err := r.usage("kube-apiserver")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("storm of %d clients, each lists %d pods twice", len(clients), pods)
	rec.cost(name+": until the last answer", "s", res.Took.Seconds(), 0)
	rec.cost("storm: refused with 429", "requests", float64(refused.Load()), 0)
	rec.cost("storm: not answered in time", "requests", float64(failed.Load()), 0)
	rec.cost("storm: CPU time of the server for each list", "ms", ms(after.CPU-before.CPU)/float64(2*len(clients)), 0)
	rec.cost(fmt.Sprintf("storm: peak memory of kube-apiserver (budget %d MiB)", stormBudget), "MiB", mib(after.Peak), 0)
	return nil
}

// change changes one pod after the other until it is stopped.
func change(ctx context.Context, writer *load.Client, pods int) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	changed := make(chan error, 1)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"storm":"%d"}}}`, i)
			if err := writer.Patch(ctx, podPath(i%pods), patch); err != nil && ctx.Err() == nil {
				changed <- fmt.Errorf("patch %d: %w", i, err)
				return
			}
		}
		changed <- nil
	}()
	return func() error {
		cancel()
		return <-changed
	}
}

// watchStorm lets many clients ask at once for all pods and what becomes of them while pods change, as informers do when a server comes back (KEP-3157).
func watchStorm(ctx context.Context, b *bench, r *running, writer *load.Client, pods int, rec recorder) error {
	clients, err := load.NewClients(r.RESTConfig(peer.Admin), b.size(100, 10))
	if err != nil {
		return err
	}
	if err := measure.ResetPeak(r.pids["kube-apiserver"]); err != nil {
		return err
	}
	before, err := r.usage("kube-apiserver")
	if err != nil {
		return err
	}
	profiled := b.profile(ctx, clients[0], rec.side, "watch-storm")
	stop := change(ctx, writer, pods)
	res, err := load.Do(ctx, clients, len(clients), func(ctx context.Context, c *load.Client, _ int) error {
		// The last event says that these were all.
		path := "/api/v1/pods?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
		return c.Watches(ctx, path, []int{0}, pods+1, func() {}, func(int, int) {})
	})
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	after, err := r.usage("kube-apiserver")
	if err != nil {
		return err
	}
	if err := profiled(); err != nil {
		return err
	}
	name := fmt.Sprintf("storm of %d clients, each watches %d pods from the beginning", len(clients), pods)
	rec.cost(name+": until the last has all", "s", res.Took.Seconds(), 0)
	rec.cost(name+": CPU time of the server for each", "ms", ms(after.CPU-before.CPU)/float64(len(clients)), 0)
	rec.cost(fmt.Sprintf("%s: peak memory of kube-apiserver (budget %d MiB)", name, stormBudget), "MiB", mib(after.Peak), 0)
	return nil
}

// fanOut measures how many events a second reach many watchers while many clients
// write, and then, with one writer, how long a change takes to reach them.
func fanOut(ctx context.Context, b *bench, r *running, rec recorder) error {
	clients, err := load.NewClients(r.RESTConfig(peer.Admin), 16)
	if err != nil {
		return err
	}
	watchers := b.size(200, 10)
	profiled := b.profile(ctx, clients[0], rec.side, "watch")
	if err := news(ctx, r, clients, watchers, b.size(5000, 50), 1.5, rec); err != nil {
		return err
	}
	if err := profiled(); err != nil {
		return err
	}

	changes := b.size(200, 20)
	written := make([]atomic.Int64, changes) // when each request was sent
	latencies := make([][]time.Duration, watchers)
	err = watched(ctx, clients, watchers, changes, "configmaps?watch=1&fieldSelector=metadata.name%3Dtick", func(ctx context.Context) error {
		return ticks(ctx, clients[0], changes, written)
	}, func(w, i int) {
		latencies[w] = append(latencies[w], time.Since(time.Unix(0, written[i].Load())))
	})
	if err != nil {
		return err
	}
	all := slices.Concat(latencies...)
	rec.cost(fmt.Sprintf("watch, from request to event at %d watchers, p50", watchers), "ms", ms(measure.Quantile(all, 0.5)), 0)
	rec.cost("watch, from request to event, p99", "ms", ms(measure.Quantile(all, 0.99)), 0)
	// As many as the nodes of a large cluster.
	return news(ctx, r, clients, b.size(1500, 20), b.size(1000, 50), 0, rec)
}

// news measures how many events a second reach watchers while all clients make objects.
func news(ctx context.Context, r *running, clients []*load.Client, watchers, events int, wanted float64, rec recorder) error {
	before, err := r.usage("kube-apiserver")
	if err != nil {
		return err
	}
	start := time.Now()
	err = watched(ctx, clients, watchers, events, "configmaps?watch=1", func(ctx context.Context) error {
		start = time.Now()
		_, err := load.Do(ctx, clients, events, func(ctx context.Context, c *load.Client, i int) error {
			return c.Create(ctx, inSpace("configmaps"), configMap(fmt.Sprintf("event-%d-%d", watchers, i)))
		})
		return err
	}, func(int, int) {})
	if err != nil {
		return err
	}
	name := fmt.Sprintf("watch, %d watchers of %d new objects", watchers, events)
	rec.rate(name, "events/s", float64(watchers*events)/time.Since(start).Seconds(), wanted)
	after, err := r.usage("kube-apiserver")
	if err != nil {
		return err
	}
	rec.cost(name+", CPU time of the server for 1000 events", "ms", ms(after.CPU-before.CPU)*1000/float64(watchers*events), 0)
	return nil
}

// watched opens watches, calls write when all are open, and waits until each has seen n events.
// As clients do, they begin at the version of a list.
func watched(ctx context.Context, clients []*load.Client, watchers, n int, query string, write func(context.Context) error, event func(watcher, i int)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	list, err := clients[0].Typed.CoreV1().ConfigMaps(loadSpace).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return err
	}
	query += "&resourceVersion=" + list.ResourceVersion
	var ready, done sync.WaitGroup
	ready.Add(watchers)
	mine := make([][]int, len(clients))
	for w := range watchers {
		mine[w%len(clients)] = append(mine[w%len(clients)], w)
	}
	for i, c := range clients {
		done.Go(func() {
			begun := 0
			err := c.Watches(ctx, inSpace(query), mine[i], n, func() { begun++; ready.Done() }, event)
			if err != nil {
				cancel(err)
				ready.Add(begun - len(mine[i]))
			}
		})
	}
	ready.Wait()
	if err := write(ctx); err != nil {
		cancel(err)
	}
	done.Wait()
	return context.Cause(ctx)
}

// ticks changes one object, one change after the other, so that every watcher gets each change in order.
func ticks(ctx context.Context, c *load.Client, n int, written []atomic.Int64) error {
	for i := range n {
		written[i].Store(time.Now().UnixNano())
		var err error
		if i == 0 {
			err = c.Create(ctx, inSpace("configmaps"), configMap("tick"))
		} else {
			err = c.Patch(ctx, inSpace("configmaps/tick"), fmt.Appendf(nil, `{"data":{"n":"%d"}}`, i))
		}
		if err != nil {
			return fmt.Errorf("change %d: %w", i, err)
		}
	}
	return nil
}
