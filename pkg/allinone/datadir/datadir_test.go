package datadir

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClaim(t *testing.T) {
	cases := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"empty", nil, ""},
		{"fresh file system", map[string]string{"lost+found": ""}, ""},
		{"ours", map[string]string{markName: `{"format":1}`, "etcd": "x"}, ""},
		{"foreign", map[string]string{"holiday.jpg": "x"}, "not from tiphys (holiday.jpg"},
		{"damaged", map[string]string{markName: `{"for`}, "is damaged"},
		{"emptied by a crash", map[string]string{markName: ``}, "is damaged"},
		{"newer", map[string]string{markName: `{"format":99}`}, "newer tiphys"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err := Claim(dir)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := Claim(dir); err != nil {
					t.Errorf("second claim: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("Claim: %v, want %q and the folder's name", err, c.want)
			}
		})
	}
}

func TestClaimSaysWhatToDoWhereItCannotWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Claim(filepath.Join(file, "data")); err == nil || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("Claim: %v", err)
	}
}

func TestLockIsForOne(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("second lock: %v", err)
	}
	unlock()
	unlock, err = Lock(dir)
	if err != nil {
		t.Fatalf("after unlocking: %v", err)
	}
	unlock()
}

func TestSettleKeepsTheFirst(t *testing.T) {
	dir := t.TempDir()
	if err := Claim(dir); err != nil {
		t.Fatal(err)
	}
	first := Settings{ServiceCIDR: "10.96.0.0/16", ClusterCIDR: "10.244.0.0/16", ClusterDomain: "cluster.local", NodeName: "a"}
	for range 2 {
		if err := Settle(dir, first); err != nil {
			t.Fatal(err)
		}
	}
	other := first
	other.ServiceCIDR = "10.97.0.0/16"
	if err := Settle(dir, other); err == nil || !strings.Contains(err.Error(), "--service-cidr=10.96.0.0/16") {
		t.Errorf("Settle: %v", err)
	}
}

func TestCheckSpace(t *testing.T) {
	if err := CheckSpace(t.TempDir(), 0); err != nil {
		t.Error(err)
	}
	if err := CheckSpace(t.TempDir(), math.MaxUint64); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("CheckSpace: %v", err)
	}
}
