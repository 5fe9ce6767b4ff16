package podworker

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"tiphys.dev/tiphys/pkg/kubelet/observe"
)

// runHook carries out one lifecycle handler and returns when it is done.
func (w *worker) runHook(ctx context.Context, pod *v1.Pod, c *observe.Container, h *v1.LifecycleHandler) error {
	switch {
	case h.Exec != nil:
		timeout := time.Duration(0)
		if end, ok := ctx.Deadline(); ok {
			timeout = time.Until(end)
		}
		stdout, stderr, err := w.m.cfg.Runtime.ExecSync(ctx, c.ID, h.Exec.Command, timeout)
		if err != nil {
			return fmt.Errorf("exec hook: %w: %s%s", err, stdout, stderr)
		}
		return nil
	case h.HTTPGet != nil:
		return w.httpHook(ctx, pod, c, h.HTTPGet)
	case h.Sleep != nil:
		select {
		case <-ctx.Done():
			return nil // the grace period ends the sleep; that is no failure
		case <-w.m.cfg.Clock.After(time.Duration(h.Sleep.Seconds) * time.Second):
			return nil
		}
	case h.TCPSocket != nil:
		return fmt.Errorf("tcpSocket is no supported lifecycle handler")
	}
	return fmt.Errorf("lifecycle handler without action")
}

// httpHook sends the request. Over HTTPS the certificate is not verified, as for probes; a server that speaks plain HTTP on an
// HTTPS hook is asked in plain.
func (w *worker) httpHook(ctx context.Context, pod *v1.Pod, c *observe.Container, get *v1.HTTPGetAction) error {
	host := get.Host
	if host == "" {
		ips := w.m.cfg.Observer.Get(w.uid).IPs()
		if pod != nil && pod.Spec.HostNetwork {
			ips = w.m.cfg.HostIPs()
		}
		if len(ips) == 0 {
			return fmt.Errorf("http hook: pod has no address")
		}
		host = ips[0]
	}
	port, err := hookPort(pod, c, get.Port)
	if err != nil {
		return err
	}
	scheme := "http"
	if get.Scheme == v1.URISchemeHTTPS {
		scheme = "https"
	}
	path := get.Path
	if len(path) == 0 || path[0] != '/' {
		path = "/" + path
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // documented
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, strconv.Itoa(port))+path, nil)
	if err != nil {
		return fmt.Errorf("http hook: %w", err)
	}
	for _, h := range get.HTTPHeaders {
		if h.Name == "Host" {
			req.Host = h.Value
		}
		req.Header.Add(h.Name, h.Value)
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "kube-lifecycle/1.36")
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("http hook: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 10<<10)
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("http hook: %s", resp.Status)
	}
	return nil
}

func hookPort(pod *v1.Pod, c *observe.Container, p intstr.IntOrString) (int, error) {
	if p.Type == intstr.Int {
		if p.IntVal == 0 {
			return 80, nil
		}
		return int(p.IntVal), nil
	}
	if n, err := strconv.Atoi(p.StrVal); err == nil {
		return n, nil
	}
	if pod != nil {
		if spec, _ := specOf(pod, c.Name); spec != nil {
			for _, cp := range spec.Ports {
				if cp.Name == p.StrVal {
					return int(cp.ContainerPort), nil
				}
			}
		}
	}
	return 0, fmt.Errorf("http hook: no port named %q", p.StrVal)
}
