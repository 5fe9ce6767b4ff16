package etcd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/lifecycle"
)

// Config describes the member.
type Config struct {
	// Dir holds the data (etcd's usual layout: an etcd binary can be started on it).
	Dir string
	// Socket, if set, is the path of a Unix socket to serve clients of other processes on.
	Socket string
	// Source, if set, is told of the running member, for clients in this process.
	Source *Source
	// StartTimeout bounds the time until the member serves; a minute when zero.
	StartTimeout time.Duration
	// Clock times the looks at the disk; the real one when nil.
	Clock clock.WithTicker

	// tick is the member's; half a second when zero. Tests make it so long that nothing can have waited for one.
	tick time.Duration
}

// Etcd is one run of the member.
type Etcd struct {
	cfg   Config
	ready chan struct{}
	fatal *fatalHook
}

// New checks the settings.
func New(cfg Config) (*Etcd, error) {
	if cfg.Dir == "" {
		return nil, errors.New("etcd: a data folder is required")
	}
	// The kernel allows 107 bytes; a longer path fails with an error nobody understands.
	if len(cfg.Socket) > 107 {
		return nil, fmt.Errorf("etcd: the socket path %s is longer than 107 bytes", cfg.Socket)
	}
	if cfg.StartTimeout == 0 {
		cfg.StartTimeout = time.Minute
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	return &Etcd{cfg: cfg, ready: make(chan struct{}), fatal: &fatalHook{failed: make(chan damage, 1)}}, nil
}

// Ready is closed when the member serves.
func (e *Etcd) Ready() <-chan struct{} { return e.ready }

// Run serves until ctx ends.
func (e *Etcd) Run(ctx context.Context) error {
	server, err := e.start()
	if err != nil {
		return e.explain(err)
	}
	abandoned := false
	defer func() {
		// What failed for good holds locks that closing would wait for: the process ends soon.
		if !abandoned {
			server.Close()
		}
	}()
	electing, elected := context.WithCancel(ctx)
	defer elected()
	go elect(electing, server.Server)
	select {
	case failure := <-e.fatal.failed:
		abandoned = true
		return e.explain(failure)
	case <-server.Server.ReadyNotify():
		elected()
	case <-ctx.Done():
		return ctx.Err()
	case err := <-server.Err():
		return e.explain(err)
	case <-time.After(e.cfg.StartTimeout):
		return fmt.Errorf("etcd did not become ready within %v", e.cfg.StartTimeout)
	}
	if e.cfg.Source != nil {
		e.cfg.Source.set(server.Server)
		defer e.cfg.Source.set(nil)
	}
	close(e.ready)
	watching, stop := context.WithCancel(ctx)
	var guarding sync.WaitGroup
	guarding.Go(func() { newGuard(e.cfg, server.Server).run(watching) })
	defer func() { stop(); guarding.Wait() }()
	select {
	case failure := <-e.fatal.failed:
		abandoned = true
		return e.explain(failure)
	case <-ctx.Done():
		return ctx.Err()
	case err := <-server.Err():
		return e.explain(err)
	case <-server.Server.StopNotify():
		return errors.New("etcd stopped by itself")
	}
}

// quota is how large the store may grow.
const quota = 8 << 30

// slow is when a request earns a line in the log.
const slow = 300 * time.Millisecond

// damage carries what etcd said before it would have ended the process.
type damage struct {
	message string
	cause   error
}

func (d damage) Error() string { return d.message }
func (d damage) Unwrap() error { return d.cause }

// fatalHook stands where etcd would end the process or panic. During the start that becomes a panic, which start catches;
// later, in goroutines of etcd that nobody can catch, it stops the goroutine for ever and tells Run.
type fatalHook struct {
	started atomic.Bool
	failed  chan damage
}

// OnWrite must not return.
func (h *fatalHook) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	d := damage{message: entry.Message}
	for _, f := range fields {
		if err, ok := f.Interface.(error); ok && f.Type == zapcore.ErrorType {
			d.message += fmt.Sprintf(": %v", err)
			d.cause = err
		}
	}
	if !h.started.Load() {
		panic(d)
	}
	select {
	case h.failed <- d:
	default: // the first says why
	}
	select {}
}

func (e *Etcd) start() (server *embed.Etcd, err error) {
	cfg, err := e.settings()
	if err != nil {
		return nil, err
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case damage:
			err = p
		case error:
			err = damage{message: p.Error(), cause: p}
		default:
			err = damage{message: fmt.Sprint(p)}
		}
	}()
	if err := checkDatabase(filepath.Join(e.cfg.Dir, "member", "snap", "db")); err != nil {
		return nil, err
	}
	if server, err = embed.StartEtcd(cfg); err == nil {
		e.fatal.started.Store(true)
	}
	return server, err
}

// checkDatabase opens an existing database for a moment. etcd does this in a goroutine of its own
// and panics there when the file is broken, which nobody could catch.
func checkDatabase(path string) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s is in use by another process", path)
	case errors.Is(err, os.ErrPermission):
		return err
	case err != nil:
		return damage{message: fmt.Sprintf("opening %s: %v", path, err), cause: err}
	}
	return db.Close()
}

func (e *Etcd) settings() (*embed.Config, error) {
	if err := os.MkdirAll(e.cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	cfg := embed.NewConfig()
	cfg.Name = "default"
	cfg.Dir = e.cfg.Dir
	// A single member speaks to no peer: it announces an address, but nobody listens there.
	cfg.ListenPeerUrls = nil
	cfg.ListenClientUrls = nil
	if e.cfg.Socket != "" {
		if err := os.MkdirAll(filepath.Dir(e.cfg.Socket), 0o700); err != nil {
			return nil, err
		}
		// A socket left by a killed process would refuse the new one. Nobody else may hold it:
		// the data folder's lock is ours.
		if err := os.Remove(e.cfg.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		cfg.ListenClientUrls = []url.URL{{Scheme: "unix", Path: e.cfg.Socket}}
	}
	// There is no other member, so no heartbeat to lose, and each tick wakes an idle machine. That ticks would let it wait
	// seconds before it elects itself does not matter: elect does not wait for them.
	tick := e.cfg.tick
	if tick == 0 {
		tick = 500 * time.Millisecond
	}
	cfg.TickMs, cfg.ElectionMs = uint(tick.Milliseconds()), uint(5*tick.Milliseconds())
	// What is stored is in the log before it is answered. This is how often it goes from there to the database, earlier when it is much:
	// readers copy the list of what waits.
	cfg.BackendBatchInterval, cfg.BackendBatchLimit = 500*time.Millisecond, 250
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	// Room for clusters of some size; upstream's advice. The API server compacts by itself.
	cfg.QuotaBackendBytes = quota
	cfg.MaxTxnOps = 10_000
	cfg.WarningApplyDuration = slow
	cfg.WarningUnaryRequestDuration = slow

	logger := zap.NewProductionConfig()
	logger.Level = zap.NewAtomicLevelAt(zap.WarnLevel)
	logger.Sampling = nil
	logger.Encoding = "console"
	built, err := logger.Build(zap.WithFatalHook(e.fatal), zap.WithPanicHook(e.fatal), zap.AddStacktrace(zapcore.FatalLevel))
	if err != nil {
		return nil, err
	}
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(built.Named("etcd"))
	return cfg, nil
}

// explain words an error for the person who must act on it. Damage is permanent: another try
// would find the same.
func (e *Etcd) explain(err error) error {
	var found damage
	stopped := errors.As(err, &found)
	if errors.Is(err, syscall.ENOSPC) {
		err = fmt.Errorf("the disk of %s is full: free some space and start again; pods go on running, and nothing that was stored is lost (%w)", e.cfg.Dir, err)
		if stopped && e.fatal.started.Load() {
			return lifecycle.Permanent(err)
		}
		return err
	}
	if stopped {
		return lifecycle.Permanent(fmt.Errorf("the store in %s is damaged (%w): restore the folder from a backup, or remove it to start an empty cluster", e.cfg.Dir, err))
	}
	return fmt.Errorf("etcd in %s: %w", e.cfg.Dir, err)
}
