package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tiphys.dev/tiphys/test/bench/measure"
	"tiphys.dev/tiphys/test/peer"
)

// runStart measures from the exec of etcd to /readyz: on an empty store, and on one
// with a few thousand objects, the median of several starts.
func runStart(ctx context.Context, b *bench, s side, rec recorder) error {
	dir := filepath.Join(b.dir, "start-"+s.name)
	bins, _, err := s.assemble(dir, "etcd", "kube-apiserver")
	if err != nil {
		return err
	}
	cfg := peer.Config{Dir: dir, BinDir: bins}
	r, err := startCluster(ctx, cfg)
	if err != nil {
		return err
	}
	rec.cost("empty store, to /readyz", "s", r.took.Seconds(), 0)
	if err := fill(ctx, r.RESTConfig(peer.Admin), b.size(2000, 200)); err != nil {
		_ = r.stop()
		return err
	}
	if err := r.stop(); err != nil {
		return err
	}
	var took, cpu []float64
	// etcd waits for up to a second until it elects itself, at random: of few starts that is all there is to see.
	for range b.size(15, 2) {
		if r, err = startCluster(ctx, cfg); err != nil {
			return err
		}
		took = append(took, r.took.Seconds())
		u, err := r.usage("etcd", "kube-apiserver")
		if err != nil {
			return errors.Join(err, r.stop())
		}
		cpu = append(cpu, u.CPU.Seconds())
		if err := r.stop(); err != nil {
			return err
		}
	}
	rec.cost("existing store, CPU time until then", "s", measure.Median(cpu), 0)
	rec.cost(fmt.Sprintf("existing store, to /readyz (median of %d)", len(took)), "s", measure.Median(took), 1.0/3)
	return nil
}

// fill makes config maps.
func fill(ctx context.Context, cfg *rest.Config, n int) error {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	for i := range n {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("fill-%d", i)}, Data: map[string]string{"k": "v"}}
		if _, err := client.CoreV1().ConfigMaps("default").Create(ctx, cm, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("filling the store: %w", err)
		}
	}
	return nil
}
