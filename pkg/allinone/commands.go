package allinone

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tiphys.dev/tiphys/pkg/allinone/atomicfile"
	"tiphys.dev/tiphys/pkg/allinone/cgrouproot"
	"tiphys.dev/tiphys/pkg/allinone/datadir"
)

// WriteCommands prepares the data directory for a cluster of separate processes: it writes all
// certificates, credentials and configurations, and for each process a small script in
// <data>/commands that starts it in the foreground with upstream's flags. binDir holds the
// programs. It returns the scripts in their order of start.
func (s *AllInOne) WriteCommands(_ context.Context, binDir, etcdBinary string) ([]string, error) {
	cfg := s.cfg
	if err := datadir.Claim(cfg.DataDir); err != nil {
		return nil, err
	}
	unlock, err := datadir.Lock(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	a, err := newAssembly(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.CgroupRoot != "" {
		root, err := cgrouproot.Open(cfg.CgroupRoot)
		if err != nil {
			return nil, err
		}
		if err := root.Ensure("node"); err != nil {
			return nil, err
		}
	}
	if err := a.writeFiles(time.Now()); err != nil {
		return nil, err
	}
	if err := a.containerd.WriteFile(); err != nil {
		return nil, err
	}
	// etcd as a program takes no Unix socket: it listens on the node's loopback address. Every
	// certificate of the cluster's authority opens it there, which is for development only.
	const endpoint = "https://127.0.0.1:2379"
	commands := []struct {
		name string
		line []string
	}{
		{etcdName, []string{etcdBinary, "--data-dir=" + a.paths.etcd(),
			"--listen-client-urls=" + endpoint, "--advertise-client-urls=" + endpoint,
			"--listen-peer-urls=http://127.0.0.1:2380",
			"--cert-file=" + a.pki.Cert("apiserver"), "--key-file=" + a.pki.Key("apiserver"),
			"--enable-grpc-gateway=false", "--client-cert-auth=true", "--trusted-ca-file=" + a.pki.Cert("ca")}},
		{containerdName, []string{filepath.Join(cfg.NodeBinDir, "containerd"), "--config=" + a.containerd.ConfigFile}},
	}
	for _, name := range replaceable {
		line := append([]string{filepath.Join(binDir, name)}, a.arguments(name)...)
		if name == apiServerName {
			line = slices.DeleteFunc(line, func(arg string) bool { return strings.HasPrefix(arg, "--etcd-servers=") })
			line = append(line, "--etcd-servers="+endpoint, "--etcd-cafile="+a.pki.Cert("ca"),
				"--etcd-certfile="+a.pki.Cert("apiserver-kubelet-client"), "--etcd-keyfile="+a.pki.Key("apiserver-kubelet-client"))
		}
		commands = append(commands, struct {
			name string
			line []string
		}{name, append(line, cfg.Arguments[name]...)})
	}
	var scripts []string
	for _, c := range commands {
		script := filepath.Join(cfg.DataDir, "commands", c.name)
		text := fmt.Sprintf("#!/bin/sh\n# Written by tiphys: starts %s in the foreground.\nmkdir -p %s\nexport PATH=%s:$PATH\nexec %s\n",
			c.name, quote(cfg.RunDir), quote(cfg.NodeBinDir), quoteAll(c.line))
		if err := atomicfile.Write(script, []byte(text), 0o755); err != nil {
			return nil, err
		}
		scripts = append(scripts, script)
	}
	return scripts, nil
}

// quoteAll writes a command line for a shell, one argument a line.
func quoteAll(line []string) string {
	quoted := make([]string, len(line))
	for i, argument := range line {
		quoted[i] = quote(argument)
	}
	return strings.Join(quoted, " \\\n  ")
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
