package nftables

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netns"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/knftables"

	"tiphys.dev/tiphys/pkg/proxy/services"
)

// TestKernelKeepsWhatIsPresent loads a service without endpoints, whose verdict leads to a
// chain of refusal, and expects that the check of the table finds nothing wrong.
func TestKernelKeepsWhatIsPresent(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for a network namespace")
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("needs the nft program")
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends in the namespace
		done <- func() error {
			ns, err := netns.New()
			if err != nil {
				return err
			}
			defer ns.Close()
			ctx := context.Background()
			for _, f := range services.Families {
				nft, err := knftables.New(knftables.Family(ip(f)), TableName)
				if err != nil {
					return err
				}
				o := options4
				o.Family, o.LocalTraffic = f, LocalTraffic{}
				table := NewTable(o, nft, time.Now)
				name := types.NamespacedName{Namespace: "ns", Name: "svc"}
				p := port(func(p *services.Port) { p.Reachable, p.Cluster = false, nil })
				if f == services.IPv6 {
					p.Family, p.ClusterIP = f, addrPorts("[fd00::1]:80")[0].Addr()
				}
				snapshot := &services.Snapshot{Services: map[types.NamespacedName]*services.Service{name: {Name: name, Ports: []*services.Port{p}}}}
				if _, err := table.Sync(ctx, services.Change{Snapshot: snapshot}, nil); err != nil {
					return err
				}
				if !table.Present(ctx) {
					t.Errorf("%s: a table that is there was not found", f)
				}
				tx := nft.NewTransaction()
				tx.Delete(&knftables.Table{})
				if err := nft.Run(ctx, tx); err != nil {
					return err
				}
				if table.Present(ctx) {
					t.Errorf("%s: a table that is gone was found", f)
				}
			}
			return nil
		}()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
