package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
)

// UserAgent is how probes introduce themselves.
const UserAgent = "kube-probe/1.36"

const maxRedirects = 10

// transport has no memory: each probe is a connection of its own, and certificates of pods are nobody's to check.
var transport = &http.Transport{
	TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
	DisableKeepAlives:  true,
	DisableCompression: true,
	Proxy:              nil,
	DialContext:        dialer.DialContext,
}

// dialer closes with a short linger, so that frequent probes do not fill the table of connections in TIME_WAIT.
var dialer = &net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
	var err error
	controlErr := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptLinger(int(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1, Linger: 1})
	})
	return errors.Join(controlErr, err)
}}

func (w *worker) http(ctx context.Context, action *v1.HTTPGetAction) (answer, error) {
	req, err := w.request(ctx, action)
	if err != nil {
		return answer{}, err
	}
	client := &http.Client{Transport: transport, CheckRedirect: sameHost}
	res, err := client.Do(req)
	if err != nil {
		return answer{outcome: Failure, text: err.Error()}, nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxOutput))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return answer{outcome: Failure, text: err.Error()}, nil
	}
	switch {
	case res.StatusCode >= http.StatusOK && res.StatusCode < http.StatusMultipleChoices:
		return answer{outcome: Success, text: string(body)}, nil
	case res.StatusCode >= http.StatusMultipleChoices && res.StatusCode < http.StatusBadRequest:
		return answer{outcome: Success, warning: true, text: fmt.Sprintf("Probe terminated redirects, Response body: %v", string(body))}, nil
	}
	return answer{outcome: Failure, text: fmt.Sprintf("HTTP probe failed with statuscode: %d", res.StatusCode)}, nil
}

func (w *worker) request(ctx context.Context, action *v1.HTTPGetAction) (*http.Request, error) {
	number, err := port(action.Port, w.spec)
	if err != nil {
		return nil, err
	}
	host := action.Host
	if host == "" {
		host = w.podIP
	}
	target, err := url.Parse(action.Path)
	if err != nil {
		target = &url.URL{Path: action.Path} // what is no URL is a strange path
	}
	target.Scheme = strings.ToLower(string(action.Scheme))
	if target.Scheme == "" {
		target.Scheme = "http"
	}
	target.Host = net.JoinHostPort(host, strconv.Itoa(number))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	for _, h := range action.HTTPHeaders {
		req.Header.Add(h.Name, h.Value)
	}
	if _, ok := req.Header["User-Agent"]; !ok {
		req.Header.Set("User-Agent", UserAgent)
	}
	if _, ok := req.Header["Accept"]; !ok {
		req.Header.Set("Accept", "*/*")
	} else if req.Header.Get("Accept") == "" {
		req.Header.Del("Accept") // an empty one asks for none
	}
	req.Host = req.Header.Get("Host")
	return req, nil
}

// sameHost follows redirects within the probed host. One that leads elsewhere is left to its own: the container answered.
func sameHost(req *http.Request, via []*http.Request) error {
	if req.URL.Hostname() != via[0].URL.Hostname() {
		return http.ErrUseLastResponse
	}
	if via[0].Host != "" && req.Host == "" {
		req.Host = via[0].Host
	}
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	return nil
}

func (w *worker) tcp(ctx context.Context, action *v1.TCPSocketAction) (answer, error) {
	number, err := port(action.Port, w.spec)
	if err != nil {
		return answer{}, err
	}
	host := action.Host
	if host == "" {
		host = w.podIP
	}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(number)))
	if err != nil {
		return answer{outcome: Failure, text: err.Error()}, nil
	}
	_ = conn.SetDeadline(time.Now()) // nothing is to be sent
	return answer{outcome: Success}, conn.Close()
}
