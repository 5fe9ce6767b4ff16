package oracle

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tiphys.dev/tiphys/test/peer"
)

// handedOn starts two servers on one store, of which the second does not know batch/v1, and tells what clients of the second see.
func handedOn(ctx context.Context, t *testing.T, first, second program) (string, error) {
	first.host, second.host = "first", "second"
	c := peer.Start(t, peer.Config{EtcdOnly: true, UnsafeNoFsync: true})
	other, err := peer.New(peer.Config{EtcdOnly: true, Dir: t.TempDir()}) // for a free port
	if err != nil {
		return "", err
	}
	port := func(u string) string { return u[strings.LastIndex(u, ":")+1:] }
	flags := func(port, address string, more ...string) []string {
		return append([]string{"--secure-port=" + port, "--bind-address=0.0.0.0", "--advertise-address=" + address, "--peer-advertise-ip=" + address, "--peer-advertise-port=" + port,
			"--peer-ca-file=" + c.PKIDir() + "/ca.crt"}, more...)
	}
	// Upstream's 1.36.3 publishes the address of the API for its peers, whatever --peer-advertise-ip says.
	address := ownAddress()
	a := launch(t, first, c, flags(port(c.URL()), address)...)
	b := launch(t, second, c, flags(port(other.URL()), address, "--runtime-config=batch/v1=false")...)
	var out []string
	say := func(what string, a answer, err error) {
		text := said(a, err)
		if a.code == http.StatusOK || a.code == http.StatusCreated {
			text = fmt.Sprintf("%d %v", a.code, a.value["kind"])
		}
		out = append(out, what+": "+text)
	}
	const jobs = "/apis/batch/v1/namespaces/default/jobs"
	job := []byte(`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}`)
	err = b.until(ctx, time.Minute, func() (bool, error) {
		got, err := b.send(ctx, request{method: "GET", path: jobs})
		return err == nil && got.code == http.StatusOK, nil
	})
	if nilIfVain(err) != nil {
		return "", err
	}
	for _, r := range []struct {
		name string
		request
	}{
		{"create", request{method: "POST", path: jobs, body: job}},
		{"get", request{method: "GET", path: jobs + "/j"}},
		{"table", request{method: "GET", path: jobs + "/j", accept: "application/json;as=Table;v=v1;g=meta.k8s.io"}},
		{"patch", request{method: "PATCH", path: jobs + "/j", contentType: mergePatch, body: []byte(`{"metadata":{"labels":{"a":"b"}}}`)}},
		{"scale of nothing", request{method: "GET", path: jobs + "/none"}},
		{"without rights", request{method: "GET", path: jobs, user: "mallory"}},
		{"watch", request{method: "GET", path: jobs + "?watch=true&timeoutSeconds=1"}},
		{"unknown to both", request{method: "GET", path: "/apis/batch/v9/jobs"}},
		{"group", request{method: "GET", path: "/apis/batch"}},
		{"version", request{method: "GET", path: "/apis/batch/v1"}},
		{"custom, unknown", request{method: "GET", path: "/apis/none.example.org/v1/things"}},
		{"a served kind", request{method: "GET", path: mapPath}},
		{"delete", request{method: "DELETE", path: jobs + "/j"}},
	} {
		got, err := b.send(ctx, r.request)
		say(r.name, got, err)
	}
	for _, profile := range []string{"", ";profile=nopeer"} {
		got, err := b.send(ctx, request{method: "GET", path: "/apis", accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" + profile})
		if err != nil {
			return "", err
		}
		out = append(out, fmt.Sprintf("discovery%s: batch in it %v, apps in it %v", profile, strings.Contains(string(got.body), `"name":"batch"`), strings.Contains(string(got.body), `"name":"apps"`)))
	}
	metrics, err := metric(ctx, &told{process: b}, `apiserver_rerouted_request_total|apiserver_peer_\w+_(total|count)`, false)
	if err != nil {
		return "", err
	}
	out = append(out, metrics)
	a.end(t)
	var got answer
	err = b.until(ctx, 40*time.Second, func() (bool, error) {
		var err error
		got, err = b.send(ctx, request{method: "GET", path: jobs})
		return err == nil && got.code != http.StatusOK && got.code != http.StatusServiceUnavailable, nil
	})
	say("after the other's end", got, nil)
	return strings.Join(out, "\n"), nilIfVain(err)
}

// TestPeersHandOn has servers of both kinds hand requests to each other that they do not know: each pair must behave as upstream's do.
func TestPeersHandOn(t *testing.T) {
	both := programs(t)
	theirs, ours := both[0], both[1]
	want, err := handedOn(t.Context(), t, theirs, theirs)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(want)
	for _, pair := range []struct {
		name          string
		first, second program
	}{{"ours to ours", ours, ours}, {"ours to upstream's", theirs, ours}, {"upstream's to ours", ours, theirs}} {
		t.Run(pair.name, func(t *testing.T) {
			got, err := handedOn(t.Context(), t, pair.first, pair.second)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("- upstream's to upstream's\n+ %s\n%s", pair.name, lineDiff(want, got))
			}
		})
	}
}
