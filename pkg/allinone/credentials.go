package allinone

import (
	"context"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/allinone/kubeconfig"
	"tiphys.dev/tiphys/pkg/allinone/pki"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// writeCredentials makes certificates that are missing or have lived two thirds of their life, and the kubeconfigs with them.
// Those of components point at their files, so that who runs uses what is renewed. The administrator's holds its content: it is
// copied to other places.
func (a *assembly) writeCredentials(now time.Time) (pki.Files, error) {
	files, err := pki.Ensure(pki.Config{
		Dir: a.paths.pki(), NodeName: a.cfg.NodeName, NodeIP: a.cfg.NodeIP.AsSlice(), ServiceIP: a.cfg.ServiceIP().AsSlice(),
		ClusterDomain: a.cfg.ClusterDomain, ExtraNames: a.cfg.ExtraNames, Now: now,
	})
	if err != nil {
		return files, err
	}
	identity := func(name string) kubeconfig.Identity {
		return kubeconfig.Identity{Server: a.cfg.Server(), CAFile: files.Cert("ca"), CertFile: files.Cert(name), KeyFile: files.Key(name)}
	}
	for _, name := range []string{pki.ControllerManager, pki.Scheduler, pki.Proxy, pki.Kubelet} {
		if err := kubeconfig.WriteLinked(a.paths.kubeconfig(name), name, identity(name)); err != nil {
			return files, err
		}
	}
	return files, kubeconfig.Write(a.paths.kubeconfig(pki.Admin), pki.Admin, identity(pki.Admin))
}

// renewalInterval is how often certificates are looked at. They live a year.
const renewalInterval = 12 * time.Hour

// renewal renews certificates while the cluster runs.
type renewal struct {
	write func(now time.Time) (pki.Files, error)
	clock clock.WithTicker
}

func (a *assembly) buildRenewal(context.Context) (lifecycle.Runner, error) {
	return &renewal{write: a.writeCredentials, clock: clock.RealClock{}}, nil
}

// Run looks at the certificates until ctx ends.
func (r *renewal) Run(ctx context.Context) error {
	ticker := r.clock.NewTicker(renewalInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C():
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := r.write(r.clock.Now()); err != nil {
			// A third of their life is left.
			klog.ErrorS(err, "Renewing certificates failed; trying again", "in", renewalInterval)
		}
	}
}
