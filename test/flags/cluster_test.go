package flags

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The addresses of a node in the probes: nobody listens at the first one.
const deaf = "127.0.0.3"

// node makes one whose kubelet is the hook, with a pod on it.
func (w *world) node() {
	u, _ := url.Parse(w.hook.URL)
	w.post("/api/v1/nodes", fmt.Sprintf(`{"metadata":{"name":"stage"},"status":{"addresses":[{"type":"Hostname","address":%q},{"type":"InternalIP","address":"127.0.0.1"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":%s}}}}`, deaf, u.Port()))
	w.post(pods, strings.Replace(pod("staged", ""), `"spec":{`, `"spec":{"nodeName":"stage",`, 1))
}

const staged = pods + "/staged"

// kubelet answers as one: with what it was asked by whom.
func kubelet(h *hook, c call) (int, any) {
	if strings.Contains(c.query, "limitBytes=7") {
		h.hold("slow-kubelet")
	}
	return 200, "log of " + c.path + " for " + c.peer
}

// logs reads those of the pod.
func (w *world) logs(query string) string {
	w.node()
	u, _ := url.Parse(w.hook.URL)
	return strings.ReplaceAll(w.get(staged+"/log"+query).String(), ":"+u.Port(), ":KUBELET")
}

// streaming tells how long it takes to get all that a kubelet sends on a stream.
func (w *world) streaming() time.Duration {
	w.node()
	c := w.tls("admin")
	c.NextProtos = []string{"http/1.1"}
	conn, err := tls.Dial("tcp", w.address(), c)
	if err != nil {
		return -1
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	began := time.Now()
	fmt.Fprintf(conn, "POST %s/portforward HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n", staged)
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		return -2
	}
	if _, err := io.CopyN(io.Discard, r, streamed); err != nil {
		return -3
	}
	return time.Since(began)
}

// lease is how long what is stored at a key lives.
func (w *world) lease(key string) string {
	_, id := w.stored(key)
	if id == "" || id == "0" {
		return "no lease"
	}
	body, _ := json.Marshal(map[string]string{"ID": id})
	resp, err := http.Post(w.bench.etcd+"/v3/lease/timetolive", "application/json", bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var out struct{ GrantedTTL string }
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return err.Error()
	}
	return out.GrantedTTL
}

const happenings = "/api/v1/namespaces/kube-system/events"

func happening(name string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q},"involvedObject":{"namespace":"kube-system","kind":"Pod","name":"p"},"reason":"r"}`, name)
}

// groups are all group versions that are served, and the resources of some.
func (w *world) groups(versions ...string) string {
	var out []string
	list, _ := dig(decode(w.get("/apis").body), "groups").([]any)
	for _, g := range list {
		all, _ := dig(g, "versions").([]any)
		for _, v := range all {
			if strings.Contains(fmt.Sprint(dig(g, "name")), "example.org") {
				continue // another probe's
			}
			out = append(out, fmt.Sprint(dig(v, "groupVersion")))
		}
	}
	slices.Sort(out)
	for _, v := range versions {
		r := w.get("/apis/" + v)
		out = append(out, fmt.Sprint(v, ":", r.code))
		resources, _ := dig(decode(r.body), "resources").([]any)
		var names []string
		for _, res := range resources {
			names = append(names, fmt.Sprint(dig(res, "name")))
		}
		slices.Sort(names)
		out = append(out, names...)
	}
	return strings.Join(out, " ")
}

// aggregated calls an aggregated server, the hook, and tells whom it saw.
func (w *world) aggregated() string {
	u, _ := url.Parse(w.hook.URL)
	w.post("/api/v1/namespaces/default/services", `{"metadata":{"name":"elsewhere"},"spec":{"type":"ExternalName","externalName":"127.0.0.1"}}`)
	w.post("/apis/apiregistration.k8s.io/v1/apiservices", fmt.Sprintf(`{"metadata":{"name":"v1.else.example.org"},"spec":{"group":"else.example.org","version":"v1","groupPriorityMinimum":100,"versionPriority":10,"insecureSkipTLSVerify":true,"service":{"namespace":"default","name":"elsewhere","port":%s}}}`, u.Port()))
	return w.until(15*time.Second, func() (string, bool) {
		r := w.get("/apis/else.example.org/v1/things")
		return r.String(), r.code == 200 && strings.Contains(r.body, "saw")
	})
}

func away(_ *hook, c call) (int, any) {
	if strings.HasSuffix(c.path, "/things") {
		return 200, map[string]any{"saw": c.peer, "user": c.header.Get("X-Remote-User"), "groups": c.header.Values("X-Remote-Group")}
	}
	return 200, map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "else.example.org/v1", "resources": []any{}}
}

// lines are those of the log that begin as klog's text or as JSON do.
func shapes(text string) string {
	var json, plain int
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		switch v := decode(line); {
		case v["ts"] != nil && v["msg"] != nil:
			json++
		case len(line) > 5 && strings.ContainsAny(line[:1], "IWE") && line[1] >= '0' && line[1] <= '9':
			plain++
		}
	}
	return fmt.Sprint("JSON: ", json > 5, ", text: ", plain > 5)
}

// buffered is a server that keeps what it logs back.
func buffered(format, size, flush string) settings {
	return settings{args: []string{"--v=4", "--logging-format=" + format, "--feature-gates=LoggingAlphaOptions=true", "--log-" + format + "-split-stream", "--log-" + format + "-info-buffer-size=" + size, "--log-flush-frequency=" + flush}}
}

// flushed tells whether what is logged is there soon.
func flushed(w *world) string {
	w.get("/version?sign=of-flush")
	return w.until(1500*time.Millisecond, func() (string, bool) {
		seen := strings.Contains(w.file("{{dir}}/out"), "of-flush")
		return fmt.Sprint("the log is there: ", seen), seen
	})
}

// hidden are the metrics that are on their way out.
func (w *world) hidden() string {
	var out []string
	for _, line := range strings.Split(w.get("/metrics").body, "\n") {
		if strings.HasPrefix(line, "# HELP") && strings.Contains(line, "(Deprecated since") {
			out = append(out, strings.Fields(line)[2])
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// labels are the values that a label of a metric has.
func (w *world) labels(metric, label string) string {
	seen := map[string]bool{}
	for _, line := range strings.Split(w.metric(metric+"{"), "\n") {
		if _, rest, ok := strings.Cut(line, label+`="`); ok {
			value, _, _ := strings.Cut(rest, `"`)
			seen[value] = true
		}
	}
	for _, common := range []string{"GET", "POST", "LIST", "WATCH", "unexpected"} {
		if seen[common] {
			return fmt.Sprint(common, " ", len(seen) > 1, " ", seen["unexpected"])
		}
	}
	return "none"
}

var clusterEffects = []effect{
	{
		name: "addresses", settings: settings{args: []string{"--advertise-address=203.0.113.77", "--external-hostname=api.example.org", "--service-cluster-ip-range=10.97.0.0/16,fd01::/112", "--service-node-port-range=31000-31002", "--kubernetes-service-node-port=31001", "--allow-privileged", "--event-ttl=3h", "--enable-garbage-collector=false", "--runtime-config=batch/v1=false,apps/v1/daemonsets=false"}},
		probes: []probe{
			{flag: "advertise-address", see: func(w *world) string {
				return w.until(10*time.Second, func() (string, bool) {
					text := picked(w.get("/api/v1/namespaces/default/endpoints/kubernetes"), at("subsets", 0, "addresses")) + picked(w.get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"), at("endpoints", 0, "addresses"))
					return text, strings.Count(text, "203.") == 2
				})
			}},
			{flag: "external-hostname", see: func(w *world) string { return picked(w.get("/api"), at("serverAddressByClientCIDRs")) }},
			{flag: "service-cluster-ip-range", see: func(w *world) string {
				return w.until(10*time.Second, func() (string, bool) {
					r := w.get("/api/v1/namespaces/default/services/kubernetes")
					return picked(r, at("spec", "clusterIPs")) + picked(w.get("/apis/networking.k8s.io/v1/servicecidrs/kubernetes"), at("spec")) +
						w.tried("/api/v1/namespaces/default/services", `{"metadata":{"name":"s"},"spec":{"ports":[{"port":1}],"clusterIP":"10.96.0.77"}}`) + w.tried("/api/v1/namespaces/default/services", `{"metadata":{"name":"s"},"spec":{"ports":[{"port":1}],"ipFamilyPolicy":"RequireDualStack"}}`, at("spec", "ipFamilies")), r.code == 200
				})
			}},
			{flag: "service-node-port-range", see: func(w *world) string {
				port := func(n int) string {
					return verdict(w.post("/api/v1/namespaces/default/services", fmt.Sprintf(`{"metadata":{"name":"s-%d"},"spec":{"type":"NodePort","ports":[{"port":1,"nodePort":%d}]}}`, n, n))) + "; "
				}
				return port(31002) + port(31003) + port(30999)
			}},
			{flag: "kubernetes-service-node-port", see: func(w *world) string {
				return w.until(10*time.Second, func() (string, bool) {
					r := w.get("/api/v1/namespaces/default/services/kubernetes")
					return picked(r, at("spec", "type"), at("spec", "ports", 0, "nodePort")), r.code == 200
				})
			}},
			{flag: "allow-privileged", see: func(w *world) string {
				return w.tried(pods, pod("p", `,"securityContext":{"privileged":true}`), at("spec", "containers", 0, "securityContext"))
			}},
			{flag: "event-ttl", see: func(w *world) string {
				w.post(happenings, happening("lasting"))
				return w.lease("/events/kube-system/lasting")
			}},
			{flag: "enable-garbage-collector", see: func(w *world) string {
				w.post("/api/v1/namespaces/default/configmaps", `{"metadata":{"name":"orphaning"}}`)
				return fmt.Sprint(w.ask(request{method: "DELETE", path: "/api/v1/namespaces/default/configmaps/orphaning?propagationPolicy=Orphan"}).code) + picked(w.get("/api/v1/namespaces/default/configmaps/orphaning"), at("metadata", "finalizers"))
			}},
			{flag: "runtime-config", see: func(w *world) string { return w.groups("batch/v1", "apps/v1") }},
		},
	},
	{
		name: "leases of events", settings: settings{args: []string{"--lease-reuse-duration-seconds=1"}},
		probes: []probe{{flag: "lease-reuse-duration-seconds", see: func(w *world) string {
			w.post(happenings, happening("one"))
			_, one := w.stored("/events/kube-system/one")
			n := 0
			return w.until(6*time.Second, func() (string, bool) {
				n++
				name := fmt.Sprint("later-", n)
				w.post(happenings, happening(name))
				_, now := w.stored("/events/kube-system/" + name)
				return fmt.Sprint("shared: ", one == now, " ", w.lease("/events/kube-system/one")), one != now
			})
		}}},
	},
	{
		name: "kubelets", settings: settings{args: []string{"--kubelet-preferred-address-types=InternalIP", "--kubelet-client-certificate={{pki}}/apiserver-kubelet-client.crt", "--kubelet-client-key={{pki}}/apiserver-kubelet-client.key"}}, answer: kubelet,
		probes: []probe{{flag: "kubelet-preferred-address-types, kubelet-client-certificate, kubelet-client-key", see: func(w *world) string { return w.logs("") }}},
	},
	{
		name: "kubelets without certificate", settings: settings{args: []string{"--kubelet-preferred-address-types=InternalIP"}}, against: []string{"--kubelet-preferred-address-types=InternalIP", "--kubelet-client-certificate={{pki}}/apiserver-kubelet-client.crt", "--kubelet-client-key={{pki}}/apiserver-kubelet-client.key"}, answer: kubelet,
		probes: []probe{{flag: "kubelet-client-certificate, none", see: func(w *world) string { return w.logs("") }}},
	},
	{
		name: "kubelets of an authority", settings: settings{args: []string{"--kubelet-preferred-address-types=InternalIP", "--kubelet-certificate-authority={{pki}}/ca.crt"}}, against: []string{"--kubelet-preferred-address-types=InternalIP", "--kubelet-certificate-authority={{dir}}/hook.pem"}, answer: kubelet, before: hookAuthority,
		probes: []probe{{flag: "kubelet-certificate-authority", see: func(w *world) string { return w.logs("") + w.logs("?insecureSkipTLSVerifyBackend=true") }}},
	},
	{
		name: "slow kubelets", settings: settings{args: []string{"--kubelet-preferred-address-types=InternalIP", "--kubelet-timeout=1s", "--max-connection-bytes-per-sec=20000"}}, against: []string{"--kubelet-preferred-address-types=InternalIP"}, answer: kubelet,
		probes: []probe{
			{flag: "max-connection-bytes-per-sec", see: func(w *world) string {
				took := w.streaming()
				if took < 0 {
					return took.String()
				}
				return fmt.Sprint("slowed down: ", took > time.Second)
			}},
			{flag: "kubelet-timeout", inert: true, see: func(w *world) string {
				w.node()
				ctx, cancel := within(4 * time.Second)
				defer cancel()
				r := w.ask(request{path: staged + "/log?limitBytes=7", ctx: ctx})
				w.hook.release("slow-kubelet")
				return fmt.Sprint(r.code, " ends: ", r.err == nil)
			}},
		},
	},
	{
		name: "aggregated servers", settings: settings{args: []string{"--proxy-client-cert-file={{pki}}/front-proxy-client.crt", "--proxy-client-key-file={{pki}}/front-proxy-client.key"}}, answer: away,
		probes: []probe{{flag: "proxy-client-cert-file, proxy-client-key-file", see: func(w *world) string { return w.aggregated() }}},
	},
	{
		name: "half a pair", settings: settings{args: []string{"--proxy-client-cert-file={{pki}}/front-proxy-client.crt"}}, against: []string{"--proxy-client-cert-file={{pki}}/front-proxy-client.crt", "--proxy-client-key-file={{pki}}/front-proxy-client.key"}, answer: away,
		probes: []probe{{flag: "proxy-client-cert-file, alone", see: func(w *world) string { return w.aggregated() }}},
	},
	{
		name: "metrics", settings: settings{args: []string{"--show-hidden-metrics-for-version=1.35", "--disabled-metrics=apiserver_request_total,etcd_requests_total", "--allow-metric-labels=apiserver_request_duration_seconds,verb=GET"}},
		probes: []probe{
			{flag: "disabled-metrics", see: func(w *world) string {
				return fmt.Sprint(w.metric("apiserver_request_total{") == "", w.metric("etcd_requests_total{") == "", w.metric("apiserver_request_duration_seconds") == "", w.metric("disabled_metrics_total"))
			}},
			{flag: "allow-metric-labels", see: func(w *world) string { return w.labels("apiserver_request_duration_seconds_count", "verb") }},
			{flag: "show-hidden-metrics-for-version", see: func(w *world) string { return w.hidden() }},
		},
	},
	{
		name: "metrics of a file", settings: settings{args: []string{"--allow-metric-labels-manifest={{dir}}/labels"}, files: map[string]string{"labels": "apiserver_response_sizes,verb: LIST\n"}},
		probes: []probe{{flag: "allow-metric-labels-manifest", see: func(w *world) string {
			w.get("/api/v1/pods")
			return w.labels("apiserver_response_sizes_count", "verb")
		}}},
	},
	{
		name: "log in JSON", settings: settings{args: []string{"--logging-format=json"}},
		probes: []probe{{flag: "logging-format", see: func(w *world) string { return shapes(w.output()) }}},
	},
	{
		name: "log of one file", settings: settings{args: []string{"--vmodule=httplog=4"}},
		probes: []probe{{flag: "vmodule", see: func(w *world) string {
			w.get("/version?sign=of-vmodule")
			return w.until(2*time.Second, func() (string, bool) {
				seen := strings.Contains(w.output(), "of-vmodule")
				return fmt.Sprint("requests are logged: ", seen), seen
			})
		}}},
	},
	{
		name: "log kept back", settings: buffered("text", "1Mi", "1h"), against: buffered("text", "0", "1h").args,
		probes: []probe{{flag: "log-text-info-buffer-size", see: flushed}},
	},
	{
		name: "log in JSON kept back", settings: buffered("json", "1Mi", "1h"), against: buffered("json", "0", "1h").args,
		probes: []probe{{flag: "log-json-info-buffer-size", see: flushed}},
	},
	{
		name: "log flushed", settings: buffered("text", "1Mi", "200ms"), against: buffered("text", "1Mi", "1h").args,
		probes: []probe{{flag: "log-flush-frequency", see: flushed}},
	},
	{
		name: "log in streams", settings: settings{args: []string{"--feature-gates=LoggingAlphaOptions=true", "--log-text-split-stream"}},
		probes: []probe{{flag: "log-text-split-stream", see: func(w *world) string {
			return "out " + shapes(w.file("{{dir}}/out")) + "; err has information: " + fmt.Sprint(strings.Contains(w.output(), "\nI"))
		}}},
	},
	{
		name: "log in JSON streams", settings: settings{args: []string{"--logging-format=json", "--feature-gates=LoggingAlphaOptions=true", "--log-json-split-stream"}}, against: []string{"--logging-format=json"},
		probes: []probe{{flag: "log-json-split-stream", see: func(w *world) string { return "out " + shapes(w.file("{{dir}}/out")) + " err " + shapes(w.output()) }}},
	},
	{
		name: "files of the host", settings: settings{args: []string{"--enable-logs-handler"}},
		probes: []probe{{flag: "enable-logs-handler", see: func(w *world) string {
			return fmt.Sprint(w.get("/logs/").code, w.get("/logs").code, w.ask(request{door: "anonymous", path: "/logs/"}).code, strings.Contains(w.get("/").body, `"/logs"`))
		}}},
	},
}
