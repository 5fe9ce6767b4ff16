package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/klog/v2"

	"tiphys.dev/tiphys/pkg/allinone"
	"tiphys.dev/tiphys/pkg/allinone/join"
	"tiphys.dev/tiphys/pkg/allinone/jointoken"
	"tiphys.dev/tiphys/pkg/features"
	"tiphys.dev/tiphys/pkg/lifecycle/gcpace"
	"tiphys.dev/tiphys/pkg/version"
)

// tokenVariable holds a token for people who do not want it in the list of processes.
const tokenVariable = "TIPHYS_TOKEN"

func agentCommand() *cobra.Command {
	cfg := allinone.DefaultAgent()
	cfg.Binaries, cfg.Arguments = map[string]string{}, map[string][]string{}
	var nodeIP, token, tokenFile, caHash string
	var binaries, arguments []string
	cmd := &cobra.Command{
		Use:   "agent --server https://HOST:6443 --token TOKEN",
		Short: "Join this machine to a cluster, and run its node",
		Long: "agent makes this machine a node of the cluster whose server is named, and runs a kubelet, a proxy and a\n" +
			"containerd of its own until it is told to stop. Pods keep running then, and the next start finds them.\n\n" +
			"`tiphys token create` on the server prints the token. It is needed the first time only: what the machine\n" +
			"gets for it is kept in the data directory, and renewed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := errors.Join(
				parseAddress("--node-ip", nodeIP, &cfg.NodeIP),
				parsePairs("--use-binary", binaries, func(name, path string) { cfg.Binaries[name] = path }),
				parsePairs("--component-arg", arguments, func(name, arg string) {
					cfg.Arguments[name] = append(cfg.Arguments[name], arg)
				}),
			)
			if err != nil {
				return err
			}
			if cfg.Token, err = givenToken(token, tokenFile, caHash); err != nil {
				return err
			}
			err = runAgent(cmd.Context(), cfg)
			if errors.Is(err, join.ErrNoToken) && tokenFile != "" {
				return fmt.Errorf("%w; there is no file %s", err, tokenFile)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.JoinServer, "server", "", "The cluster's API server, https://HOST:6443.")
	f.StringVar(&token, "token", "", "What `tiphys token create` printed on the server. Also taken from the environment: "+tokenVariable+".")
	f.StringVar(&tokenFile, "token-file", "", "A file with the token. It may be removed when the machine has joined.")
	f.StringVar(&caHash, "ca-cert-hash", "", "The hash of the cluster's authority (sha256:…), for a token without it.")
	f.StringVar(&cfg.DataDir, "data-dir", cfg.DataDir, "Folder of everything that must survive: certificates, images, volumes.")
	f.StringVar(&cfg.RunDir, "run-dir", cfg.RunDir, "Folder of sockets and of the containers' state.")
	f.StringVar(&cfg.NodeBinDir, "node-bin-dir", cfg.NodeBinDir, "Folder of containerd, runc and the CNI plugins. Found beside the program if not given.")
	f.StringVar(&cfg.ImageDir, "image-dir", cfg.ImageDir, "Folder of image archives to import at the start. Found beside the program if not given.")
	f.StringVar(&cfg.KubeletDir, "kubelet-dir", cfg.KubeletDir, "Root folder of the kubelet.")
	f.StringVar(&cfg.NodeName, "node-name", cfg.NodeName, "Name of the node; the machine's name if not given.")
	f.StringVar(&nodeIP, "node-ip", "", "Address of the node; the one this machine reaches the server from if not given.")
	f.StringVar(&cfg.UpstreamDNS, "upstream-dns", "", "Name server for names outside the cluster; those of /etc/resolv.conf if not given.")
	f.StringVar(&cfg.CgroupRoot, "cgroup-root", "", "A cgroup to make and to keep this process and all pods in.")
	f.BoolVar(&cfg.SystemdCgroup, "systemd-cgroup", false, "Let systemd manage the cgroups of pods.")
	f.StringVar(&cfg.RuntimeEndpoint, "container-runtime-endpoint", "", "A container runtime (CRI) to use instead of a containerd of our own.")
	f.StringArrayVar(&binaries, "use-binary", nil, "COMPONENT=PATH: run a program with upstream's flags in a component's place (kubelet, kube-proxy).")
	f.StringArrayVar(&arguments, "component-arg", nil, "COMPONENT=--flag=value: a further flag for a program of --use-binary.")
	f.IntVar(&cfg.Verbosity, "v", 0, "How much is logged.")
	return cmd
}

// givenToken reads the token from wherever it was given; nil when it was not.
func givenToken(text, file, caHash string) (*jointoken.Token, error) {
	switch {
	case text != "" && file != "":
		return nil, errors.New("--token and --token-file: give one of them")
	case file != "":
		content, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil // removed after the machine joined, or else join says that a token is missing
		}
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		text = string(content)
	case text == "":
		if text = os.Getenv(tokenVariable); text == "" {
			return nil, nil
		}
	}
	token, err := jointoken.Parse(text, caHash)
	if err != nil {
		return nil, err
	}
	return &token, nil
}

func runAgent(ctx context.Context, cfg allinone.AgentConfig) error {
	setVerbosity(cfg.Verbosity)
	cfg.Version = version.Get()
	// As for the server: one component's mistake must not end the others.
	utilruntime.ReallyCrash = false
	if err := features.Register(utilfeature.DefaultMutableFeatureGate); err != nil {
		return err
	}
	cfg.OnReady = func() {
		klog.InfoS("The node's components are ready", "agent", cfg.Version)
		time.AfterFunc(settled, rest)
		// Without systemd there is nobody to tell, and nothing happens.
		_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
	}
	agent, err := allinone.NewAgent(cfg)
	if err != nil {
		return err
	}
	// What runs beside the workloads of a machine should be small before it is fast.
	pacer, err := gcpace.New(gcpace.Default())
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() { _ = pacer.Run(ctx) }()
	result := make(chan error, 1)
	go func() { result <- agent.Run(ctx) }()
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
