package containerd

import (
	"bytes"
	"fmt"
	"path/filepath"
	"text/template"
)

// Config describes the runtime.
type Config struct {
	// BinDir holds containerd, its shim, ctr and runc; CNIBinDir the CNI plugins.
	BinDir, CNIBinDir string
	// CNIConfDir is where the network configuration is, or will be when a CNI add-on puts it there.
	CNIConfDir string
	// Root keeps images and snapshots; State what lives as long as the machine runs.
	Root, State string
	// ConfigFile is where the generated configuration goes.
	ConfigFile string
	// RegistryConfigDir may hold hosts.toml files for registries (containerd's certs.d layout).
	RegistryConfigDir string
	// PauseImage is the sandbox image.
	PauseImage string
	// RestrictOOMScore is for machines where nobody may lower oom_score_adj (no CAP_SYS_RESOURCE):
	// without it no sandbox starts there.
	RestrictOOMScore bool
	// SystemdCgroup selects the systemd cgroup driver.
	SystemdCgroup bool
}

// Socket is the address of the CRI and of containerd's own API.
func (c Config) Socket() string { return filepath.Join(c.State, "containerd.sock") }

// Endpoint is Socket as the kubelet wants it.
func (c Config) Endpoint() string { return "unix://" + c.Socket() }

var configTemplate = template.Must(template.New("config.toml").Funcs(template.FuncMap{
	"quote": func(s string) string { return fmt.Sprintf("%q", s) },
}).Parse(`# Written by tiphys at every start; changes are lost.
version = 3
root = {{quote .Root}}
state = {{quote .State}}
disabled_plugins = ["io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
imports = []

[grpc]
  address = {{quote .Socket}}

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = {{quote .PauseImage}}
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = {{quote .RegistryConfigDir}}

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = {{.RestrictOOMScore}}
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [{{quote .CNIBinDir}}]
    conf_dir = {{quote .CNIConfDir}}
    use_internal_loopback = true
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        BinaryName = {{quote (print .BinDir "/runc")}}
        SystemdCgroup = {{.SystemdCgroup}}

[plugins."io.containerd.internal.v1.opt"]
  path = {{quote (print .Root "/opt")}}

[plugins."io.containerd.nri.v1.nri"]
  disable = false
  socket_path = {{quote (print .State "/nri.sock")}}
  plugin_path = {{quote (print .Root "/nri/plugins")}}
  plugin_config_path = {{quote (print .Root "/nri/conf.d")}}
`))

// render gives the configuration file's content.
func (c Config) render() ([]byte, error) {
	var out bytes.Buffer
	if err := configTemplate.Execute(&out, c); err != nil {
		return nil, fmt.Errorf("containerd configuration: %w", err)
	}
	return out.Bytes(), nil
}
