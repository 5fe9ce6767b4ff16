package containerd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
	"tiphys.dev/tiphys/pkg/allinone/process"
)

// New writes the configuration and prepares the process.
func New(cfg Config, output io.Writer) (*process.Process, error) {
	// The kernel allows 107 bytes for a socket's path.
	if len(cfg.Socket()) > 107 {
		return nil, fmt.Errorf("containerd: the socket path %s is longer than 107 bytes", cfg.Socket())
	}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc"} {
		if _, err := os.Stat(filepath.Join(cfg.BinDir, name)); err != nil {
			return nil, fmt.Errorf("%s is not in %s: run hack/install-node-deps, or name the folder with --node-bin-dir", name, cfg.BinDir)
		}
	}
	if err := cfg.WriteFile(); err != nil {
		return nil, err
	}
	return process.New(process.Config{
		Name: "containerd",
		Path: filepath.Join(cfg.BinDir, "containerd"),
		Args: []string{"--config", cfg.ConfigFile, "--log-level", "warn"},
		// containerd finds its shim, and the shim runc, by PATH.
		Env:    []string{"PATH=" + cfg.BinDir + ":" + searchPath()},
		Output: output,
		Probe:  func(ctx context.Context) error { return serves(ctx, cfg.Socket()) },
		Clock:  clock.RealClock{},
	})
}

// WriteFile writes the configuration and makes the folders it names.
func (c Config) WriteFile() error {
	content, err := c.render()
	if err != nil {
		return err
	}
	if err := atomicfile.Write(c.ConfigFile, content, 0o644); err != nil {
		return err
	}
	for _, dir := range []string{c.Root, c.State, c.CNIConfDir, c.RegistryConfigDir} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return err
		}
	}
	return nil
}

// searchPath is PATH with the folders of system tools, which services are often started without.
func searchPath() string {
	return os.Getenv("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
}

// serves asks containerd's health service.
func serves(ctx context.Context, socket string) error {
	if _, err := os.Stat(socket); err != nil {
		return err
	}
	conn, err := grpc.NewClient("passthrough:///containerd",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}))
	if err != nil {
		return err
	}
	defer conn.Close()
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return err
	}
	if answer.Status != healthpb.HealthCheckResponse_SERVING {
		return errors.New(answer.Status.String())
	}
	return nil
}

// MayLowerOOMScore tells whether processes of this machine can be given a better oom_score_adj:
// some sandboxes take CAP_SYS_RESOURCE away for good.
func MayLowerOOMScore() (bool, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, err
	}
	return boundingSetHas(status, capSysResource)
}
