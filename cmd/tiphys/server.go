package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/allinone"
	"tiphys.dev/tiphys/pkg/features"
	"tiphys.dev/tiphys/pkg/lifecycle/gcpace"
	"tiphys.dev/tiphys/pkg/lifecycle/slack"
	"tiphys.dev/tiphys/pkg/version"
)

// stopTimeout is how long an ordered stop may take.
const stopTimeout = 10 * time.Second

func serverCommand() *cobra.Command {
	cfg := allinone.Default()
	var nodeIP, clusterDNS, nodePodCIDR, clusterCIDR, serviceCIDR string
	var binaries, arguments []string
	var commandsFor, etcdBinary string
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run a single-node cluster on this machine",
		Long: "server runs etcd, the control plane, a kubelet, a proxy and a containerd of its own on this machine's\n" +
			"network, until it is told to stop. Pods keep running then, and the next start finds them.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := errors.Join(
				parseAddress("--node-ip", nodeIP, &cfg.NodeIP),
				parseAddress("--cluster-dns", clusterDNS, &cfg.ClusterDNS),
				parsePrefix("--cluster-cidr", clusterCIDR, &cfg.ClusterCIDR),
				parsePrefix("--node-pod-cidr", nodePodCIDR, &cfg.NodePodCIDR),
				parsePrefix("--service-cidr", serviceCIDR, &cfg.ServiceCIDR),
				parsePairs("--use-binary", binaries, func(name, path string) { cfg.Binaries[name] = path }),
				parsePairs("--component-arg", arguments, func(name, arg string) {
					cfg.Arguments[name] = append(cfg.Arguments[name], arg)
				}),
			)
			if err != nil {
				return err
			}
			if commandsFor != "" {
				return writeCommands(cmd, cfg, commandsFor, etcdBinary)
			}
			return runServer(cmd.Context(), cfg)
		},
	}
	cfg.Binaries, cfg.Arguments = map[string]string{}, map[string][]string{}
	f := cmd.Flags()
	f.StringVar(&cfg.DataDir, "data-dir", cfg.DataDir, "Folder of everything that must survive: store, certificates, images, volumes.")
	f.StringVar(&cfg.RunDir, "run-dir", cfg.RunDir, "Folder of sockets and of the containers' state.")
	f.StringVar(&cfg.NodeBinDir, "node-bin-dir", cfg.NodeBinDir, "Folder of containerd, runc and the CNI plugins. Found beside the program if not given.")
	f.StringVar(&cfg.ImageDir, "image-dir", cfg.ImageDir, "Folder of image archives to import at the start. Found beside the program if not given.")
	f.StringVar(&cfg.KubeletDir, "kubelet-dir", cfg.KubeletDir, "Root folder of the kubelet.")
	f.StringVar(&cfg.NodeName, "node-name", cfg.NodeName, "Name of the node; the machine's name if not given.")
	f.StringVar(&nodeIP, "node-ip", "", "Address of the node; that of the default route if not given.")
	f.IntVar(&cfg.APIPort, "api-port", cfg.APIPort, "Port of the API server.")
	f.StringVar(&clusterCIDR, "cluster-cidr", cfg.ClusterCIDR.String(), "Address range of pods.")
	f.StringVar(&nodePodCIDR, "node-pod-cidr", "", "The node's part of --cluster-cidr; its first /24 if not given.")
	f.StringVar(&serviceCIDR, "service-cidr", cfg.ServiceCIDR.String(), "Address range of services.")
	f.StringVar(&clusterDNS, "cluster-dns", "", "Address of the cluster's DNS service; the tenth of --service-cidr if not given.")
	f.StringVar(&cfg.ClusterDomain, "cluster-domain", cfg.ClusterDomain, "DNS suffix of the cluster.")
	f.StringVar(&cfg.UpstreamDNS, "upstream-dns", "", "Name server for names outside the cluster; those of /etc/resolv.conf if not given.")
	f.StringSliceVar(&cfg.ExtraNames, "tls-san", nil, "Further names and addresses of the API server, for its certificate.")
	f.StringVar(&cfg.CgroupRoot, "cgroup-root", "", "A cgroup to make and to keep this process and all pods in.")
	f.BoolVar(&cfg.SystemdCgroup, "systemd-cgroup", false, "Let systemd manage the cgroups of pods.")
	f.StringVar(&cfg.RuntimeEndpoint, "container-runtime-endpoint", "", "A container runtime (CRI) to use instead of a containerd of our own.")
	f.BoolVar(&cfg.Development, "development", false, "Relax disk thresholds and image clean-up, as `tiphys dev up` does.")
	f.StringArrayVar(&binaries, "use-binary", nil, "COMPONENT=PATH: run a program with upstream's flags in a component's place (kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy).")
	f.StringArrayVar(&arguments, "component-arg", nil, "COMPONENT=--flag=value: a further flag for a program of --use-binary.")
	f.StringVar(&commandsFor, "write-commands", "", "Run nothing: write all files, and scripts that start the programs of this folder as separate processes (see hack/local-up-cluster.sh).")
	f.StringVar(&etcdBinary, "etcd-binary", "etcd", "The etcd of --write-commands.")
	f.IntVar(&cfg.Verbosity, "v", 0, "How much is logged.")
	return cmd
}

func writeCommands(cmd *cobra.Command, cfg allinone.Config, binDir, etcdBinary string) error {
	server, err := allinone.New(cfg)
	if err != nil {
		return err
	}
	scripts, err := server.WriteCommands(cmd.Context(), binDir, etcdBinary)
	for _, script := range scripts {
		fmt.Fprintln(cmd.OutOrStdout(), script)
	}
	return err
}

func runServer(ctx context.Context, cfg allinone.Config) error {
	setVerbosity(cfg.Verbosity)
	cfg.Version = version.Get()
	// One component's mistake must not end the others. The libraries' loops, event handlers and requests are made to go on after
	// a panic, the next item then being a new try; components whose own goroutine panics are started again (pkg/lifecycle), and
	// controllers try the object again later (pkg/controller/worker). Each panic is logged with its stack.
	utilruntime.ReallyCrash = false
	if err := features.Register(utilfeature.DefaultMutableFeatureGate); err != nil {
		return err
	}
	cfg.OnReady = func() {
		klog.InfoS("All components are ready", "server", cfg.Version)
		time.AfterFunc(settled, rest)
		// Without systemd there is nobody to tell, and nothing happens.
		_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
	}
	server, err := allinone.New(cfg)
	if err != nil {
		return err
	}
	// What runs beside the workloads of a machine should be small before it is fast.
	pace := gcpace.Default()
	pace.Room = 64 << 20
	pacer, err := gcpace.New(pace)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() { _ = pacer.Run(ctx) }()
	result := make(chan error, 1)
	go func() { result <- server.Run(ctx) }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	// From here a second signal ends the process at once.
	stop()
	klog.InfoS("Stopping; pods go on running")
	select {
	case err := <-result:
		return err
	case <-time.After(stopTimeout):
		return fmt.Errorf("the components did not stop within %v", stopTimeout)
	}
}

// settled is how long after the start the caches are filled and the first pods run.
const settled = 10 * time.Second

// lateness is how late a timer may go off while nothing else happens. The store looks ten times a second whether watches of old
// revisions can go on, so there is nothing to win beyond that.
const lateness = 100 * time.Millisecond

// rest makes the idle process sleep longer.
func rest() {
	if err := slack.Set(lateness); err != nil {
		klog.InfoS("Timers go off one by one, which costs some CPU time", "reason", err)
	}
}

// setVerbosity is for what is logged inside this process.
func setVerbosity(v int) {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	// The flag exists and takes any number.
	_ = flags.Set("v", fmt.Sprint(v))
}

func parseAddress(name, value string, into *netip.Addr) error {
	if value == "" {
		return nil
	}
	parsed, err := netip.ParseAddr(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*into = parsed
	return nil
}

func parsePrefix(name, value string, into *netip.Prefix) error {
	if value == "" {
		return nil
	}
	parsed, err := netip.ParsePrefix(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*into = parsed.Masked()
	return nil
}

func parsePairs(name string, values []string, take func(key, value string)) error {
	for _, v := range values {
		key, value, found := strings.Cut(v, "=")
		if !found || key == "" || value == "" {
			return fmt.Errorf("%s %q: COMPONENT=VALUE is expected", name, v)
		}
		take(key, value)
	}
	return nil
}

// flagsGiven lists the flags of a set that were given on the command line, as --name=value.
func flagsGiven(f *pflag.FlagSet, names ...string) []string {
	var args []string
	for _, name := range names {
		flag := f.Lookup(name)
		if flag == nil || !flag.Changed {
			continue
		}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			for _, v := range list.GetSlice() {
				args = append(args, "--"+name+"="+v)
			}
			continue
		}
		args = append(args, "--"+name+"="+flag.Value.String())
	}
	return args
}

// mustBeRoot words the commonest mistake.
func mustBeRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("root is needed to make namespaces and networks: use sudo")
	}
	return nil
}
