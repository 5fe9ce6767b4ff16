package hostpath

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	v1 "k8s.io/api/core/v1"
)

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file, socket, missing := filepath.Join(dir, "file"), filepath.Join(dir, "sock"), filepath.Join(dir, "missing")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for kind, fits := range map[v1.HostPathType]map[string]bool{
		v1.HostPathUnset:     {dir: true, file: true, socket: true, missing: true, "/dev/null": true},
		v1.HostPathDirectory: {dir: true, file: false, socket: false, missing: false, "/dev/null": false},
		v1.HostPathFile:      {dir: false, file: true, socket: false, missing: false, "/dev/null": false},
		v1.HostPathSocket:    {dir: false, file: false, socket: true, missing: false, "/dev/null": false},
		v1.HostPathCharDev:   {dir: false, file: false, socket: false, missing: false, "/dev/null": true},
		v1.HostPathBlockDev:  {dir: false, file: false, socket: false, missing: false, "/dev/null": false},
		"Nonsense":           {dir: false, missing: false},
	} {
		for path, want := range fits {
			if err := Check(path, kind); (err == nil) != want {
				t.Errorf("%q as %q: %v", path, kind, err)
			}
		}
	}
	made, madeFile := filepath.Join(dir, "a", "b"), filepath.Join(dir, "new")
	for path, kind := range map[string]v1.HostPathType{made: v1.HostPathDirectoryOrCreate, madeFile: v1.HostPathFileOrCreate} {
		for range 2 { // the second time it is there
			if err := Check(path, kind); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if err := Check(file, v1.HostPathDirectoryOrCreate); err == nil {
		t.Error("a file passed as a directory")
	}
}
