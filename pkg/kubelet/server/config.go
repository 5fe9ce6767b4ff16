package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/server/flagz"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/metrics"
	internalapi "k8s.io/cri-api/pkg/apis"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/clock"
)

// Pods are the pods of this node, with their latest status.
type Pods interface {
	Pods() []*v1.Pod
	Pod(namespace, name string) (*v1.Pod, bool)
	PodByUID(uid types.UID) (*v1.Pod, bool)
}

// Stats measures node and pods.
type Stats interface {
	Summary(ctx context.Context, cpuAndMemoryOnly bool) (*statsapi.Summary, error)
}

// Access answers who asks and whether he may. Nil parts let everybody in: for tests only.
type Access struct {
	Authenticator authenticator.Request
	Authorizer    authorizer.Authorizer
}

// Config is what a Server is built from.
type Config struct {
	NodeName string
	// Address and Port of HTTPS; port 0 takes a free one (see Addr). ReadOnlyPort, when not 0, serves the harmless paths without TLS
	// and without asking who it is.
	Address      string
	Port         int32
	ReadOnlyPort int32

	// CertFile and KeyFile are read again when they change. Without them a self-signed pair is made in CertDir.
	CertFile, KeyFile, CertDir string
	// Hosts are names and addresses for the self-signed certificate.
	Hosts []string
	// GetCertificate, when set, gives the certificate instead (a rotating one).
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	MinVersion     uint16
	CipherSuites   []uint16
	Access         Access

	Pods  Pods
	CRI   internalapi.RuntimeService
	Stats Stats

	// Health are the named checks of /healthz besides ping; SyncLoop of /healthz/syncloop.
	Health   map[string]func(*http.Request) error
	SyncLoop func(*http.Request) error
	// Metrics is shown at /metrics, ProbeMetrics at /metrics/probes.
	Metrics, ProbeMetrics metrics.Gatherer
	// Configz is what /configz shows, by name ("kubeletconfig").
	Configz map[string]any
	// Flagz is what /flagz shows; may be nil.
	Flagz flagz.Reader
	// Version is what /statusz shows; the build's own when nil.
	Version basecompatibility.EffectiveVersion

	// LogsDir is what /logs/ shows when SystemLogs is set.
	LogsDir    string
	SystemLogs bool
	// Debugging enables exec, attach, port-forward, logs, run and configuration; Profiling pprof; DebugFlags the log level.
	Debugging, Profiling, DebugFlags bool
	// Checkpoints is the directory for /checkpoint; empty disables it.
	Checkpoints string
	// StreamIdle ends streams that were silent for so long.
	StreamIdle time.Duration

	Clock clock.PassiveClock
}

func (c *Config) complete() error {
	if c.Pods == nil || c.CRI == nil {
		return errors.New("server: Pods and CRI are required")
	}
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if c.Version == nil {
		c.Version = basecompatibility.NewEffectiveVersionFromString("1.36", "1.36", "1.35")
	}
	if c.LogsDir == "" {
		c.LogsDir = "/var/log"
	}
	if c.CertDir == "" && c.CertFile == "" && c.GetCertificate == nil {
		return errors.New("server: one of CertFile, CertDir, GetCertificate is required")
	}
	return nil
}
