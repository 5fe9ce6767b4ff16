package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"path/filepath"
	"strconv"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
)

// run carries out a command and answers with its output.
func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	pod, ok := s.podOf(w, r)
	if !ok {
		return
	}
	id, ok := runningContainer(pod, r.PathValue("container"))
	if !ok {
		http.Error(w, fmt.Sprintf("container not found (%q)", r.PathValue("container")), http.StatusNotFound)
		return
	}
	stdout, stderr, err := s.cfg.CRI.ExecSync(r.Context(), id, []string{"/bin/sh", "-c", r.FormValue("cmd")}, 0)
	if err != nil {
		http.Error(w, fmt.Sprintf("%s%s%v", stdout, stderr, err), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(append(stdout, stderr...))
}

func (s *Server) configz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, s.cfg.Configz)
}

func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) {
	pod, ok := s.podOf(w, r)
	if !ok {
		return
	}
	name := r.PathValue("container")
	id, ok := runningContainer(pod, name)
	if !ok {
		http.Error(w, fmt.Sprintf("container %v does not exist", name), http.StatusNotFound)
		return
	}
	var timeout int64
	if text := r.URL.Query().Get("timeout"); text != "" {
		var err error
		if timeout, err = strconv.ParseInt(text, 10, 64); err != nil {
			http.Error(w, "cannot parse value of timeout parameter", http.StatusInternalServerError)
			return
		}
	}
	file := filepath.Join(s.cfg.Checkpoints, fmt.Sprintf("checkpoint-%s_%s-%s-%s.tar", pod.Name, pod.Namespace, name, s.cfg.Clock.Now().Format(time.RFC3339)))
	err := s.cfg.CRI.CheckpointContainer(r.Context(), &runtimeapi.CheckpointContainerRequest{ContainerId: id, Location: file, Timeout: timeout})
	if err != nil {
		http.Error(w, fmt.Sprintf("checkpointing of %v/%v/%v failed (%v)", pod.Namespace, pod.Name, name, err), http.StatusInternalServerError)
		return
	}
	writeJSON(w, map[string]any{"items": []string{file}})
}

func profiling(mux *http.ServeMux) {
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
}

// logLevel sets klog's verbosity.
func logLevel(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 16))
	var level klog.Level
	if err = errors.Join(err, level.Set(string(body))); err != nil {
		http.Error(w, fmt.Sprintf("failed set klog.logging.verbosity %s: %v", body, err), http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprintf(w, "successfully set klog.logging.verbosity to %s", body)
}
