package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"

	"tiphys.dev/tiphys/test/bench/measure"
)

const clusterTitle = "Running single-node clusters"

// cluster is a running one that somebody else started.
type cluster struct {
	side, kubeconfig string
	pids             []int
}

// clusterFlag collects -cluster flags.
type clusterFlag []cluster

func (f *clusterFlag) String() string { return "" }

func (f *clusterFlag) Set(s string) error {
	name, rest, ok := strings.Cut(s, "=")
	parts := strings.Split(rest, ",")
	if !ok || parts[0] == "" {
		return errors.New("want SIDE=KUBECONFIG[,PID...]")
	}
	c := cluster{side: name, kubeconfig: parts[0]}
	for _, p := range parts[1:] {
		pid, err := strconv.Atoi(p)
		if err != nil {
			return fmt.Errorf("process %q: %w", p, err)
		}
		c.pids = append(c.pids, pid)
	}
	*f = append(*f, c)
	return nil
}

// runCluster measures idle cost and pods one after the other, on whatever node the scheduler takes.
func runCluster(ctx context.Context, b *bench, c cluster, rec recorder) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		return err
	}
	cfg.QPS = -1
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	if len(c.pids) > 0 {
		if err := idleProcesses(ctx, b, c.pids, rec); err != nil {
			return err
		}
	}
	var took []time.Duration
	for i := range b.size(20, 3) {
		d, err := podToRunning(ctx, client, fmt.Sprintf("bench-%d", i))
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	rec.cost(fmt.Sprintf("pod created to Running, one after the other, p50 of %d", len(took)), "ms", ms(measure.Quantile(took, 0.5)), 0.5)
	rec.cost("pod created to Running, p99", "ms", ms(measure.Quantile(took, 0.99)), 0)
	return nil
}

func idleProcesses(ctx context.Context, b *bench, roots []int, rec recorder) error {
	var pids []int
	for _, root := range roots {
		tree, err := measure.Tree(root)
		if err != nil {
			return err
		}
		pids = append(pids, tree...)
	}
	before, err := measure.Sum(pids)
	if err != nil {
		return err
	}
	window := time.Duration(b.size(60, 3)) * time.Second
	if err := pause(ctx, window); err != nil {
		return err
	}
	after, err := measure.Sum(pids)
	if err != nil {
		return err
	}
	rec.cost("memory of the named processes and their children", "MiB", mib(after.RSS), 1.0/3)
	rec.cost("CPU of the same", "% of a core", 100*float64(after.CPU-before.CPU)/float64(window), 0.25)
	return nil
}

// podToRunning creates a pod whose image is present and waits for its phase by a watch; then it deletes it.
func podToRunning(ctx context.Context, client kubernetes.Interface, name string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	api := client.CoreV1().Pods("default")
	w, err := api.Watch(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String()})
	if err != nil {
		return 0, err
	}
	defer w.Stop()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{
		TerminationGracePeriodSeconds: ptr.To[int64](0),
		Containers:                    []corev1.Container{{Name: "c", Image: "registry.k8s.io/pause:3.10.2", ImagePullPolicy: corev1.PullIfNotPresent}}}}
	began := time.Now()
	if _, err := api.Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return 0, err
	}
	if err := waitFor(w, func(e watch.Event) bool {
		p, ok := e.Object.(*corev1.Pod)
		return ok && p.Status.Phase == corev1.PodRunning
	}); err != nil {
		return 0, fmt.Errorf("waiting for %s to run: %w", name, err)
	}
	took := time.Since(began)
	if err := api.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return 0, err
	}
	err = waitFor(w, func(e watch.Event) bool { return e.Type == watch.Deleted })
	return took, err
}

func waitFor(w watch.Interface, done func(watch.Event) bool) error {
	for e := range w.ResultChan() {
		if done(e) {
			return nil
		}
	}
	return errors.New("the watch ended")
}
