package ownership

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

func TestApply(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("changing owners needs root")
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		readOnly  bool
		file, dir uint32
	}{
		"writable": {false, 0o660, unix.S_ISGID | 0o770},
		// Nobody may write, yet the directory hands its group on.
		"read-only": {true, 0o640, unix.S_ISGID | 0o750},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(outside, link); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := Apply(dir, ptr.To[int64](4242), nil, tc.readOnly); err != nil {
				t.Fatal(err)
			}
			for path, mode := range map[string]uint32{file: tc.file, dir: tc.dir} {
				var st unix.Stat_t
				if err := unix.Lstat(path, &st); err != nil || st.Gid != 4242 || st.Mode&0o7777 != mode {
					t.Errorf("%s: group %d mode %o, want %o; %v", path, st.Gid, st.Mode&0o7777, mode, err)
				}
			}
			var st unix.Stat_t
			if err := unix.Stat(outside, &st); err != nil || st.Gid == 4242 {
				t.Errorf("a link carried the change outside: %d %v", st.Gid, err)
			}
			// A top that matches speaks for all below.
			if err := os.Chmod(file, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := Apply(dir, ptr.To[int64](4242), ptr.To(v1.FSGroupChangeOnRootMismatch), tc.readOnly); err != nil {
				t.Fatal(err)
			}
			if err := unix.Stat(file, &st); err != nil || st.Mode&0o777 != 0o600 {
				t.Errorf("the policy did not spare the file: %o", st.Mode)
			}
		})
	}
}
