package apirules_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fixtureDir finds the wire fixtures inside the module k8s.io/api.
func fixtureDir(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/api").Output()
	if err != nil {
		t.Skipf("the go command cannot tell where k8s.io/api is: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "testdata", "HEAD")
}
