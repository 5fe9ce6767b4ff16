package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/tiphys/pkg/kubelet/logs"
)

func (s *Server) containerLogs(w http.ResponseWriter, r *http.Request) {
	opts, err := logOptions(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	pod, ok := s.podOf(w, r)
	if !ok {
		return
	}
	name := r.PathValue("container")
	if !hasContainer(pod, name) {
		http.Error(w, fmt.Sprintf("container %q not found in pod %q", name, pod.Name), http.StatusNotFound)
		return
	}
	id, err := logContainer(pod, name, opts.Previous)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	res, err := s.cfg.CRI.ContainerStatus(r.Context(), id, false)
	if err != nil {
		http.Error(w, fmt.Sprintf("unable to retrieve container logs for %s: %v", id, err), http.StatusBadRequest)
		return
	}
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "unable to stream logs over this connection", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	out := &flushing{w: w, f: flusher}
	err = logs.Read(r.Context(), res.GetStatus().GetLogPath(), id, opts, s.cfg.Clock.Now(), s.cfg.CRI, out, out)
	switch {
	case err == nil, r.Context().Err() != nil:
		out.begin() // an empty log is an answer too
	case !out.begun:
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		_, _ = fmt.Fprintf(w, "\nfailed to read logs: %v\n", err)
	}
}

// flushing hands each write on at once: whoever follows a log waits for it.
type flushing struct {
	w     http.ResponseWriter
	f     http.Flusher
	begun bool
}

func (f *flushing) Write(p []byte) (int, error) {
	f.begun = true
	n, err := f.w.Write(p)
	f.f.Flush()
	return n, err
}

func (f *flushing) begin() {
	if !f.begun {
		f.begun = true
		f.w.WriteHeader(http.StatusOK)
		f.f.Flush()
	}
}

// logOptions reads and checks the query.
func logOptions(q url.Values) (*v1.PodLogOptions, error) {
	opts := &v1.PodLogOptions{}
	var err error
	number := func(key string, least int64) *int64 {
		text := q.Get(key)
		if text == "" || err != nil {
			return nil
		}
		n, parseErr := strconv.ParseInt(text, 10, 64)
		if parseErr != nil || n < least {
			err = fmt.Errorf("invalid %s %q: must be a number and at least %d", key, text, least)
			return nil
		}
		return &n
	}
	flag := func(key string) bool {
		text := q.Get(key)
		if text == "" || err != nil {
			return false
		}
		value, parseErr := strconv.ParseBool(text)
		if parseErr != nil {
			err = fmt.Errorf("invalid %s %q: must be true or false", key, text)
		}
		return value
	}
	opts.Follow, opts.Previous, opts.Timestamps = flag("follow"), flag("previous"), flag("timestamps")
	opts.LimitBytes, opts.SinceSeconds = number("limitBytes", 1), number("sinceSeconds", 1)
	if q.Get("tailLines") != "all" { // an old spelling of "no limit"
		opts.TailLines = number("tailLines", 0)
	}
	if err != nil {
		return nil, err
	}
	if text := q.Get("sinceTime"); text != "" {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, fmt.Errorf("invalid sinceTime: %w", err)
		}
		since := metav1.NewTime(t)
		opts.SinceTime = &since
	}
	if opts.SinceTime != nil && opts.SinceSeconds != nil {
		return nil, errors.New("at most one of sinceTime and sinceSeconds may be specified")
	}
	return opts, nil
}

func hasContainer(pod *v1.Pod, name string) bool {
	for _, c := range pod.Spec.Containers {
		if c.Name == name {
			return true
		}
	}
	for _, c := range pod.Spec.InitContainers {
		if c.Name == name {
			return true
		}
	}
	for _, c := range pod.Spec.EphemeralContainers {
		if c.Name == name {
			return true
		}
	}
	return false
}

// logContainer decides whose log is meant: the present run's, or, while there is none, the last one's.
func logContainer(pod *v1.Pod, name string, previous bool) (string, error) {
	status, ok := containerStatus(pod, name)
	if !ok {
		return "", fmt.Errorf("container %q in pod %q is not available", name, pod.Name)
	}
	last := ""
	if t := status.LastTerminationState.Terminated; t != nil {
		last = bareID(t.ContainerID)
	}
	if previous {
		if last == "" {
			return "", fmt.Errorf("previous terminated container %q in pod %q not found", name, pod.Name)
		}
		return last, nil
	}
	switch {
	case status.State.Running != nil:
		return bareID(status.ContainerID), nil
	case status.State.Terminated != nil:
		if id := bareID(status.State.Terminated.ContainerID); id != "" {
			return id, nil
		}
		if last != "" {
			return last, nil
		}
		return "", fmt.Errorf("container %q in pod %q is terminated", name, pod.Name)
	case last != "":
		return last, nil
	case status.State.Waiting != nil:
		switch reason := status.State.Waiting.Reason; reason {
		case "ErrImagePull":
			return "", fmt.Errorf("container %q in pod %q is waiting to start: image can't be pulled", name, pod.Name)
		case "ImagePullBackOff":
			return "", fmt.Errorf("container %q in pod %q is waiting to start: trying and failing to pull image", name, pod.Name)
		default:
			return "", fmt.Errorf("container %q in pod %q is waiting to start: %v", name, pod.Name, reason)
		}
	}
	return "", fmt.Errorf("container %q in pod %q is waiting to start - no logs yet", name, pod.Name)
}
