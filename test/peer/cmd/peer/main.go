// Command peer runs upstream's etcd and kube-apiserver (and more on request) in one directory until it is told to stop:
//
//	go run ./test/peer/cmd/peer -dir /tmp/mine/peer -controller-manager -scheduler -nodes node-1,node-2
//	export KUBECONFIG=/tmp/mine/peer/admin.kubeconfig
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"tiphys.dev/tiphys/test/peer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var cfg peer.Config
	var nodes, apiserver, controllerManager, scheduler string
	flags := flag.NewFlagSet("peer", flag.ContinueOnError)
	flags.StringVar(&cfg.Dir, "dir", "", "directory for data, keys, kubeconfigs and logs; continued when it exists")
	flags.StringVar(&cfg.BinDir, "bin", "", "directory of upstream's binaries (default _output/upstream/bin)")
	flags.StringVar(&cfg.BindAddress, "bind", "127.0.0.1", "address the API server listens on")
	flags.StringVar(&cfg.AdvertiseAddress, "advertise", "", "address of the kubernetes service's endpoint (default -bind)")
	flags.IntVar(&cfg.SecurePort, "port", 0, "port of the API server (default a free one)")
	flags.BoolVar(&cfg.EtcdOnly, "etcd-only", false, "start etcd alone")
	flags.BoolVar(&cfg.UnsafeNoFsync, "unsafe-no-fsync", false, "let etcd skip fsync")
	flags.BoolVar(&cfg.ControllerManager, "controller-manager", false, "start kube-controller-manager too")
	flags.BoolVar(&cfg.Scheduler, "scheduler", false, "start kube-scheduler too")
	flags.StringVar(&nodes, "nodes", "node-1", "comma-separated node names that get a kubelet kubeconfig")
	flags.StringVar(&apiserver, "apiserver-args", "", "space-separated flags added to kube-apiserver")
	flags.StringVar(&controllerManager, "controller-manager-args", "", "space-separated flags added to kube-controller-manager")
	flags.StringVar(&scheduler, "scheduler-args", "", "space-separated flags added to kube-scheduler")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg.Nodes = strings.Split(nodes, ",")
	cfg.APIServerArgs = strings.Fields(apiserver)
	cfg.ControllerManagerArgs = strings.Fields(controllerManager)
	cfg.SchedulerArgs = strings.Fields(scheduler)
	c, err := peer.New(cfg)
	if err != nil {
		return err
	}
	go announce(ctx, c, cfg)
	return c.Run(ctx)
}

// announce prints where everything is once it answers: lines a shell can evaluate.
func announce(ctx context.Context, c *peer.Cluster, cfg peer.Config) {
	select {
	case <-ctx.Done():
		return
	case <-c.Ready():
	}
	fmt.Printf("ETCD=%s\n", c.Etcd())
	if !cfg.EtcdOnly {
		fmt.Printf("SERVER=%s\n", c.URL())
	}
	fmt.Printf("KUBECONFIG=%s\n", c.Kubeconfig(peer.Admin))
	fmt.Printf("PKI=%s\n", c.PKIDir())
	for _, user := range []string{peer.ControllerManager, peer.Scheduler, peer.Proxy} {
		fmt.Printf("KUBECONFIG_%s=%s\n", strings.ToUpper(strings.ReplaceAll(user, "-", "_")), c.Kubeconfig(user))
	}
	for _, node := range cfg.Nodes {
		fmt.Printf("# kubelet %s: %s\n", node, c.Kubeconfig("kubelet-"+node))
	}
	fmt.Println("# ready; SIGTERM or interrupt ends it")
}
