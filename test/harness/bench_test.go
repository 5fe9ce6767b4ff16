package harness

import (
	"os"
	"testing"
)

// BenchmarkStart is from nothing to /readyz and back. HARNESS_DIR names a folder to keep the store in: the second run with
// it starts on an existing store.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		dir := os.Getenv("HARNESS_DIR")
		if dir == "" {
			dir = b.TempDir()
		}
		c, err := New(Config{DataDir: dir})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := c.Stop(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
