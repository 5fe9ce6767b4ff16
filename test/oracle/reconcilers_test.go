package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"tiphys.dev/tiphys/test/peer"
)

// published tells what the endpoints, the slice and the service "kubernetes" say; the server's own port is called PORT.
func published(ctx context.Context, s *server, ports ...string) (string, error) {
	var e v1.Endpoints
	var slice discoveryv1.EndpointSlice
	var service v1.Service
	for path, into := range map[string]any{
		namespaced + "endpoints/kubernetes":                                      &e,
		"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes": &slice,
		namespaced + "services/kubernetes":                                       &service,
	} {
		a, err := s.send(ctx, request{method: "GET", path: path})
		if err != nil {
			return "", err
		}
		if a.code == 200 {
			if err := json.Unmarshal(a.body, into); err != nil {
				return "", err
			}
		}
	}
	var out []string
	for _, sub := range e.Subsets {
		for _, a := range sub.Addresses {
			out = append(out, a.IP)
		}
		for _, p := range sub.Ports {
			out = append(out, fmt.Sprintf("%s:%d", p.Name, p.Port))
		}
	}
	out = append(out, fmt.Sprint(e.Labels), "slice")
	for _, end := range slice.Endpoints {
		out = append(out, strings.Join(end.Addresses, ","))
	}
	for _, p := range slice.Ports {
		out = append(out, fmt.Sprintf("%s:%d", *p.Name, *p.Port))
	}
	out = append(out, fmt.Sprint(slice.Labels), "service", string(service.Spec.Type))
	for _, p := range service.Spec.Ports {
		out = append(out, fmt.Sprintf("%s:%d>%s", p.Name, p.Port, p.TargetPort.String()))
	}
	text := strings.Join(out, " ")
	for i, p := range ports {
		text = strings.ReplaceAll(text, p, fmt.Sprint("PORT", i))
	}
	return text, nil
}

// reconciled is what one program shows of one way of reconciling, step by step.
func reconciled(ctx context.Context, t *testing.T, b program, kind string) ([]string, error) {
	c := peer.Start(t, peer.Config{EtcdOnly: true, UnsafeNoFsync: true})
	other, err := peer.New(peer.Config{EtcdOnly: true, Dir: t.TempDir()}) // for a free port
	if err != nil {
		return nil, err
	}
	port := func(u string) string { return u[strings.LastIndex(u, ":")+1:] }
	ports := []string{port(c.URL()), port(other.URL())}
	flags := []string{"--endpoint-reconciler-type=" + kind, "--apiserver-count=2"}
	first := launch(t, b, c, flags...)
	var out []string
	see := func(what string, enough func(string) bool, within time.Duration) error {
		var last string
		err := first.until(ctx, within, func() (bool, error) {
			var err error
			last, err = published(ctx, first.server, ports...)
			return err == nil && enough(last), err
		})
		out = append(out, what+": "+last)
		return nilIfVain(err)
	}
	const own, second, cycle = "203.0.113.10", "203.0.113.20", 12 * time.Second
	has := func(text string) func(string) bool { return func(s string) bool { return strings.Count(s, text) == 2 } }
	never := func(string) bool { return false }
	if err := see("at start", has(own), 15*time.Second); err != nil {
		return nil, err
	}
	const form = `{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"kubernetes","namespace":"default"},"subsets":[{"addresses":[%s],"ports":[{"name":%q,"port":%d}]}]}`
	for _, e := range []struct {
		addresses []string
		name      string
	}{{[]string{"10.1.1.1", "10.1.1.2", "10.1.1.3"}, "https"}, {[]string{"10.1.1.1"}, "odd"}} {
		var list []string
		for _, a := range e.addresses {
			list = append(list, fmt.Sprintf(`{"ip":%q}`, a))
		}
		body := fmt.Sprintf(form, strings.Join(list, ","), e.name, 99)
		a, err := first.send(ctx, request{method: "PUT", path: namespaced + "endpoints/kubernetes", body: []byte(body)})
		if err != nil {
			return nil, err
		}
		out = append(out, said(a, nil))
		if _, err := first.send(ctx, request{method: "PATCH", path: namespaced + "services/kubernetes", contentType: mergePatch, body: []byte(`{"spec":{"ports":[{"name":"https","port":444,"targetPort":99}]}}`)}); err != nil {
			return nil, err
		}
		if err := see(fmt.Sprint("changed to ", e), never, cycle); err != nil {
			return nil, err
		}
	}
	a, err := folders(ctx, c.Etcd(), "/registry/masterleases/", 3)
	if err != nil {
		return nil, err
	}
	out = append(out, "leases: "+a)
	join := func() *process {
		return launch(t, b, c, append(flags, "--secure-port="+ports[1], "--advertise-address="+second)...)
	}
	another := join()
	if err := see("another joined", has(second), cycle); err != nil {
		return nil, err
	}
	if err := see("a while later", never, cycle); err != nil {
		return nil, err
	}
	another.end(t)
	if err := see("it ended", func(s string) bool { return !strings.Contains(s, second) }, 2*cycle); err != nil {
		return nil, err
	}
	another = join()
	if err := see("it joined again", has(second), cycle); err != nil {
		return nil, err
	}
	if err := another.Kill(); err != nil {
		return nil, err
	}
	if err := see("it died", func(s string) bool { return !strings.Contains(s, second) }, 3*cycle); err != nil {
		return nil, err
	}
	first.end(t)
	a, err = folders(ctx, c.Etcd(), "/registry/masterleases/", 3)
	return append(out, "leases after the end: "+a), err
}

// TestEndpointReconcilers compares how servers share the endpoints of the service "kubernetes": when one joins, ends and dies, and when
// somebody changes them.
func TestEndpointReconcilers(t *testing.T) {
	if testing.Short() {
		t.Skip("leases take their time to end")
	}
	both := programs(t)
	for _, kind := range []string{"lease", "master-count", "none", ""} {
		t.Run("type "+kind, func(t *testing.T) {
			t.Parallel()
			shown := make([][]string, len(both))
			errs := make([]error, len(both))
			var group sync.WaitGroup
			for i, b := range both {
				group.Go(func() { shown[i], errs[i] = reconciled(t.Context(), t, b, kind) })
			}
			group.Wait()
			for i, err := range errs {
				if err != nil {
					t.Fatalf("%s: %v", both[i].name, err)
				}
			}
			for i := range shown[0] {
				if shown[0][i] != shown[1][i] {
					t.Errorf("\ntheirs %s\nours   %s", shown[0][i], shown[1][i])
				} else {
					t.Log(shown[0][i])
				}
			}
		})
	}
}
