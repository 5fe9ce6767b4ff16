package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tiphys.dev/tiphys/build/images/compose"
)

// users of every image, as small distributions have them.
const (
	passwd = `root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
mail:x:8:12:mail:/var/mail:/sbin/nologin
www-data:x:33:33:www-data:/var/www:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
`
	group = `root:x:0:root
bin:x:1:root,bin,daemon
daemon:x:2:root,bin,daemon
tty:x:5:
mail:x:12:mail
www-data:x:33:
users:x:100:
nogroup:x:65533:
nobody:x:65534:
`
	// A test reads this file through an image volume and looks for the distribution's name.
	osRelease = `NAME="Alpine Linux"
ID=alpine
VERSION_ID=3.21
PRETTY_NAME="Alpine Linux compatible test image, composed of busybox"
`
	// Without it glibc asks DNS before /etc/hosts.
	nsswitch = `passwd: files
group: files
hosts: files dns
services: files
networks: files
protocols: files
`
)

// baseFiles is busybox with all its names, and the directories and files a system has.
func baseFiles(busybox string) ([]compose.File, error) {
	files := []compose.File{
		{Path: "tmp", Mode: 0o1777, Dir: true},
		{Path: "var/tmp", Mode: 0o1777, Dir: true},
		{Path: "root", Mode: 0o700, Dir: true},
		{Path: "var/run", Link: "/run"},
		{Path: "etc/mtab", Link: "/proc/mounts"},
		{Path: "etc/passwd", Mode: 0o644, Data: []byte(passwd)},
		{Path: "etc/group", Mode: 0o644, Data: []byte(group)},
		{Path: "etc/shells", Mode: 0o644, Data: []byte("/bin/sh\n/bin/ash\n/bin/bash\n")},
		{Path: "etc/os-release", Mode: 0o644, Data: []byte(osRelease)},
		{Path: "etc/nsswitch.conf", Mode: 0o644, Data: []byte(nsswitch)},
	}
	for _, dir := range []string{
		"dev", "etc", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr/local/bin", "usr/local/sbin", "usr/lib", "lib", "lib64",
		"var/lib", "var/log", "var/cache", "var/spool", "var/mail",
	} {
		files = append(files, compose.File{Path: dir, Mode: 0o755, Dir: true})
	}
	tree, err := filesBelow(busybox, "")
	if err != nil {
		return nil, fmt.Errorf("reading busybox: %w", err)
	}
	files = append(files, tree...)
	// Tests call some applets by their path in /bin, where the images of upstream have all of them.
	have := map[string]bool{}
	for _, f := range tree {
		have[f.Path] = true
	}
	for _, f := range tree {
		name, in := strings.CutPrefix(f.Path, "sbin/")
		if in && f.Link != "" && !have["bin/"+name] {
			files = append(files, compose.File{Path: "bin/" + name, Link: "/bin/busybox"})
		}
	}
	return files, nil
}

// filesBelow lists a directory of this machine as entries below prefix, owned by root, with the permissions they have.
func filesBelow(dir, prefix string) ([]compose.File, error) {
	var files []compose.File
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		f, err := fileAt(name, filepath.Join(prefix, rel))
		if err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// fileAt makes the entry at path from the file, directory or symbolic link at name.
func fileAt(name, path string) (compose.File, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return compose.File{}, err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(name)
		return compose.File{Path: path, Link: target}, err
	case info.IsDir():
		return compose.File{Path: path, Mode: int64(info.Mode().Perm()), Dir: true}, nil
	case info.Mode().IsRegular():
		return compose.File{Path: path, Mode: int64(info.Mode().Perm()), Source: name}, nil
	}
	return compose.File{}, fmt.Errorf("%s is neither file, directory nor link", name)
}

// withUsers returns passwd and group with more lines.
func withUsers(users, groups string) []compose.File {
	return []compose.File{
		{Path: "etc/passwd", Mode: 0o644, Data: []byte(passwd + users)},
		{Path: "etc/group", Mode: 0o644, Data: []byte(group + groups)},
	}
}

// applets maps the names of busybox's programs to where they lie in the base.
func applets(base []compose.File) map[string]string {
	at := map[string]string{}
	for _, f := range base {
		if f.Link != "" && strings.HasSuffix(f.Link, "busybox") {
			at[filepath.Base(f.Path)] = f.Path
		}
	}
	return at
}
