package oracle

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// groupsServed tells which resources of which versions a server has.
func groupsServed(ctx context.Context, s *told) (string, error) {
	var out []string
	for _, root := range []string{"/api", "/apis"} {
		a, err := s.send(ctx, request{method: http.MethodGet, path: root, accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"})
		if err != nil {
			return "", err
		}
		groups, _ := a.value["items"].([]any)
		for _, g := range groups {
			group := g.(map[string]any)
			meta, _ := group["metadata"].(map[string]any)
			versions, _ := group["versions"].([]any)
			for _, v := range versions {
				version := v.(map[string]any)
				resources, _ := version["resources"].([]any)
				for _, r := range resources {
					out = append(out, fmt.Sprintf("%v/%v %v", meta["name"], version["version"], r.(map[string]any)["resource"]))
				}
			}
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n"), nil
}

// both probes, one after the other.
func together(probes ...func(context.Context, *told) (string, error)) func(context.Context, *told) (string, error) {
	return func(ctx context.Context, s *told) (string, error) {
		var out []string
		for _, p := range probes {
			text, err := p(ctx, s)
			if err != nil {
				return "", err
			}
			out = append(out, text)
		}
		return strings.Join(out, "\n"), nil
	}
}

// versionText is /version without what every build has of its own.
var versionText = answerProbe("/version", `(?m)^.*"(gitVersion|gitCommit|gitTreeState|buildDate|goVersion|compiler|platform)".*\n`)

// gates are the feature gates that a server tells.
func gates(ctx context.Context, s *told) (string, error) {
	return metric(ctx, s, `kubernetes_feature_enabled{`, true)
}

// versionsTold are the versions that a server tells.
func versionsTold(ctx context.Context, s *told) (string, error) {
	text, err := metric(ctx, s, `version_info{`, false)
	return regexp.MustCompile(`binary="[^"]*",`).ReplaceAllString(text, ""), err
}

// versionEffects are the rows of versions, gates and what they turn on.
var versionEffects = []effect{
	{name: "feature-gates", flags: []string{"--feature-gates=StorageVersionHash=false,WatchList=false"}, probe: together(gates, groupsServed, answerProbe("/apis/apps/v1", `"resourceVersion":"\d+"`))},
	{name: "feature-gates in two flags", flags: []string{"--feature-gates=kube:StorageVersionHash=false", "--feature-gates=kube:WatchList=false"}, probe: gates},
	{name: "feature-gates AllAlpha", flags: []string{"--feature-gates=AllAlpha=true"}, probe: gates},
	{name: "feature-gates AllBeta", flags: []string{"--feature-gates=AllBeta=false"}, probe: gates},
	{name: "emulated-version 1.35", flags: []string{"--emulated-version=1.35"}, probe: together(versionText, versionsTold, gates, groupsServed)},
	{name: "emulated-version 1.34", flags: []string{"--emulated-version=kube=1.34"}, probe: together(versionText, versionsTold, gates, groupsServed)},
	{name: "emulated-version 1.33", flags: []string{"--emulated-version=1.33"}, probe: together(versionText, versionsTold, gates, groupsServed)},
	{name: "emulation-forward-compatible", flags: []string{"--emulated-version=1.33", "--emulation-forward-compatible=true"}, probe: together(versionText, groupsServed)},
	{name: "runtime-config-emulation-forward-compatible", flags: []string{"--emulated-version=1.34", "--runtime-config-emulation-forward-compatible=true", "--runtime-config=storage.k8s.io/v1beta1=true"}, probe: groupsServed},
	{name: "min-compatibility-version", flags: []string{"--min-compatibility-version=1.34"}, probe: together(versionText, versionsTold)},
	{name: "min-compatibility-version under emulation", flags: []string{"--emulated-version=1.35", "--min-compatibility-version=1.34"}, probe: together(versionText, versionsTold)},
	{name: "runtime-config off", flags: []string{"--runtime-config=batch/v1=false,apps/v1/daemonsets=false,autoscaling/v1=false"}, probe: groupsServed},
	{name: "runtime-config beta", flags: []string{"--runtime-config=api/beta=true"}, probe: groupsServed},
	{name: "runtime-config storage version migration", flags: []string{"--runtime-config=storagemigration.k8s.io/v1beta1=true", "--feature-gates=StorageVersionMigrator=true"}, probe: groupsServed},
	{name: "runtime-config coordinated leader election", flags: []string{"--runtime-config=coordination.k8s.io/v1beta1=true", "--feature-gates=CoordinatedLeaderElection=true"}, probe: groupsServed},
	{name: "runtime-config all off", flags: []string{"--runtime-config=api/beta=false,api/alpha=false"}, probe: groupsServed, idle: "none of them is on"},
}

func TestVersionFlagEffects(t *testing.T) { compareEffects(t, versionEffects) }

// endpointEffects are the rows of what the server serves beside the API.
var endpointEffects = []effect{
	{name: "statusz", flags: []string{"--feature-gates=ComponentStatusz=false"}, probe: textProbe("/statusz", "text/plain", `(?m)^(Started|Up|Go version|Binary version)\b.*\n|(Emulation version|Paths)\W+`)},
	{name: "statusz structured", flags: []string{"--feature-gates=ComponentStatusz=false"}, probe: textProbe("/statusz", "application/json;v=v1beta1;g=config.k8s.io;as=Statusz", `"(startTime|uptimeSeconds|goVersion|binaryVersion)":("[^"]*"|\d+),?`)},
	{name: "flagz", flags: []string{"--feature-gates=ComponentFlagz=false"}, probe: flagNames},
	{name: "slis", flags: []string{"--profiling=false"}, probe: sliNames, idle: "no flag is about them"},
	{name: "profiling", flags: []string{"--profiling=false"}, probe: textProbe("/debug/pprof/", "text/plain", `(?s).*(Types of profiles).*`)},
	{name: "allow-privileged", flags: []string{"--allow-privileged=false"}, probe: func(ctx context.Context, s *told) (string, error) {
		a, err := s.send(ctx, request{method: "POST", path: namespaced + "pods?dryRun=All", body: []byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"automountServiceAccountToken":false,"containers":[{"name":"c","image":"i","securityContext":{"privileged":true}}]}}`)})
		return said(a, err), nil
	}},
	{name: "cert-dir", flags: []string{"--tls-cert-file=", "--tls-private-key-file=", "--cert-dir={{dir}}"}, probe: certificates, alone: true},
	{name: "kubernetes-service-node-port", flags: []string{"--kubernetes-service-node-port=30443"}, alone: true, probe: func(ctx context.Context, s *told) (string, error) {
		u := s.cluster.URL()
		if _, err := foldersInEnd(ctx, s, 2); err != nil {
			return "", err
		}
		return published(ctx, s.server, u[strings.LastIndex(u, ":")+1:])
	}},
	{name: "aggregator-reject-forwarding-redirect", flags: []string{"--aggregator-reject-forwarding-redirect=false"}, alone: true, probe: redirecting},
}

func TestEndpointFlagEffects(t *testing.T) { compareEffects(t, endpointEffects) }

// textProbe tells code, kind and text of an answer, without what is of the moment.
func textProbe(path, accept string, drop string) func(context.Context, *told) (string, error) {
	moment := regexp.MustCompile(drop)
	return func(ctx context.Context, s *told) (string, error) {
		a, err := s.send(ctx, request{method: http.MethodGet, path: path, accept: accept})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d %s\n%s", a.code, a.header.Get("Content-Type"), moment.ReplaceAllString(string(a.body), "$1")), nil
	}
}

var flagName = regexp.MustCompile(`^[a-z0-9-]*`)

// flagNames are the flags that /flagz tells, without values.
func flagNames(ctx context.Context, s *told) (string, error) {
	a, err := s.send(ctx, request{method: http.MethodGet, path: "/flagz", accept: "text/plain"})
	if err != nil {
		return "", err
	}
	var out []string
	for _, line := range strings.Split(string(a.body), "\n") {
		// What is between name and value is another sign at each start.
		out = append(out, flagName.FindString(line))
	}
	return fmt.Sprintf("%d %s\n%s", a.code, a.header.Get("Content-Type"), strings.Join(out, "\n")), nil
}

// sliNames are the samples of the health checks.
func sliNames(ctx context.Context, s *told) (string, error) {
	a, err := s.send(ctx, request{method: http.MethodGet, path: "/metrics/slis", accept: "text/plain"})
	if err != nil {
		return "", err
	}
	seen := map[string]bool{}
	for _, line := range strings.Split(string(a.body), "\n") {
		if i := strings.LastIndex(line, " "); i > 0 && !strings.HasPrefix(line, "#") && !strings.Contains(line, `status="error"`) {
			seen[line[:i]] = true
		}
	}
	return strings.Join(sortedKeys(seen), "\n"), nil
}

// certificates tells which files a server made for itself, and what its certificate says.
func certificates(_ context.Context, s *told) (string, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return "", err
	}
	var out []string
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return "", err
		}
		out = append(out, fmt.Sprint(f.Name(), " ", info.Mode()))
	}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.host, "https://"), insecureClient())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	c := conn.ConnectionState().PeerCertificates[0]
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	sort.Strings(names)
	return fmt.Sprintf("%v\n%v, issuer %v, %v, %d chain", out, names, regexp.MustCompile(`@\d+`).ReplaceAllString(c.Issuer.CommonName+" "+c.Subject.CommonName, ""), c.PublicKeyAlgorithm, len(conn.ConnectionState().PeerCertificates)), nil
}

// redirecting asks an aggregated server that sends its clients elsewhere.
func redirecting(ctx context.Context, s *told) (string, error) {
	backend := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/away") {
			http.Redirect(w, r, "https://example.org/elsewhere", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", jsonType)
		fmt.Fprint(w, `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"moved.example.org/v1","resources":[]}`)
	}))
	defer backend.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(backend.URL, "https://"), ":")
	for path, body := range map[string]string{
		namespaced + "services":                       fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"moved"},"spec":{"type":"ExternalName","externalName":"127.0.0.1.nip","ports":[{"port":%s}]}}`, port),
		"/apis/apiregistration.k8s.io/v1/apiservices": fmt.Sprintf(`{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1.moved.example.org"},"spec":{"group":"moved.example.org","version":"v1","groupPriorityMinimum":1000,"versionPriority":10,"insecureSkipTLSVerify":true,"service":{"name":"moved","namespace":"default","port":%s}}}`, port),
	} {
		if _, err := s.do(ctx, "POST", path, strings.ReplaceAll(body, "127.0.0.1.nip", "localhost")); err != nil {
			return "", err
		}
	}
	transport, err := rest.TransportFor(s.config)
	if err != nil {
		return "", err
	}
	last := ""
	err = s.until(ctx, 20*time.Second, func() (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.host+"/apis/moved.example.org/v1/away", nil)
		if err != nil {
			return false, err
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		last = fmt.Sprintf("%d to %q: %s", resp.StatusCode, resp.Header.Get("Location"), body)
		return resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusServiceUnavailable, nil
	})
	return last, nilIfVain(err)
}
