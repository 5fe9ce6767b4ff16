package observe

import (
	"bytes"
	"context"
	"io"
	"os"

	v1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/logs"
)

// Limits of a termination message, from the API documentation of terminationMessagePath and terminationMessagePolicy.
const (
	maxMessageBytes    = 4096
	maxLogMessageBytes = 2048
	maxLogMessageLines = 80
)

// terminationMessage returns why the container says it ended: the file it wrote, else the end of its log when the
// policy asks for that and it failed, else what the runtime said.
func terminationMessage(s *runtimeapi.ContainerStatus) string {
	path := s.Annotations[AnnotationTerminationMessagePath]
	if path == "" {
		return s.Message
	}
	message := s.Message
	for _, m := range s.Mounts {
		if m.ContainerPath != path || m.HostPath == "" {
			continue
		}
		if data := readHead(m.HostPath, maxMessageBytes); len(data) > 0 {
			return join(s.Message, string(data))
		}
	}
	fallback := s.Annotations[AnnotationTerminationPolicy] == string(v1.TerminationMessageFallbackToLogsOnError)
	if fallback && s.ExitCode != 0 && s.LogPath != "" {
		if tail := readLogTail(s.LogPath); tail != "" {
			return join(s.Message, tail)
		}
	}
	return message
}

func join(runtimeMessage, own string) string {
	if runtimeMessage == "" {
		return own
	}
	return runtimeMessage + ": " + own
}

func readHead(path string, limit int64) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil
	}
	return data
}

// readLogTail takes the last lines out of the CRI log file, without their timestamps.
func readLogTail(path string) string {
	lines := int64(maxLogMessageLines)
	var out bytes.Buffer
	// No runtime is needed: the file is not followed.
	opts := &logs.LogOptions{TailLines: &lines}
	if err := logs.ReadLogs(context.Background(), path, "", opts, nil, &out, &out); err != nil && out.Len() == 0 {
		return ""
	}
	data := out.Bytes()
	if len(data) > maxLogMessageBytes {
		data = data[len(data)-maxLogMessageBytes:]
	}
	return string(data)
}
