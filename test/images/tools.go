package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tiphys.dev/tiphys/build/images/compose"
)

// packages of the distribution that tools come from.
var packages = []string{
	"bash", "bind9-dnsutils", "bind9-host", "curl", "iperf", "iproute2", "libc-bin", "netcat-openbsd", "nginx", "util-linux",
}

// tool is a program of a package, with the name it gets when that differs.
type tool struct{ path, alias string }

var agnhostTools = []tool{
	{path: "bin/bash"}, {path: "usr/bin/curl"}, {path: "usr/bin/dig"}, {path: "usr/bin/nslookup"}, {path: "usr/bin/host"},
	{path: "bin/nc.openbsd", alias: "bin/nc"}, {path: "usr/bin/iperf", alias: "usr/local/bin/iperf"},
	{path: "bin/ip"}, {path: "bin/ss"}, {path: "usr/bin/getent"}, {path: "usr/bin/nsenter"}, {path: "bin/findmnt"},
}

// libraryDirs is where the distribution's loader looks.
var libraryDirs = []string{
	"lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib", "usr/lib",
}

// toolFiles takes programs out of an unpacked distribution with the libraries they need. Where busybox has a program of that
// name in another directory, that name points to the tool: PATH must not decide.
func toolFiles(root string, tools []tool, busybox map[string]string) ([]compose.File, error) {
	t := taker{root: root, taken: map[string]bool{}}
	for _, one := range tools {
		if _, err := os.Lstat(filepath.Join(root, one.path)); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the packages hold no %s", one.path)
		}
		if err := t.program(one.path); err != nil {
			return nil, fmt.Errorf("taking %s: %w", one.path, err)
		}
		name := filepath.Base(one.path)
		if one.alias != "" {
			name = filepath.Base(one.alias)
			t.link(one.alias, "/"+one.path)
		}
		if applet, ok := busybox[name]; ok {
			t.link(applet, "/"+one.path)
		}
	}
	return t.files, nil
}

// taker collects files of one root, each once.
type taker struct {
	root  string
	taken map[string]bool
	files []compose.File
}

func (t *taker) link(path, target string) {
	if !t.taken[path] {
		t.taken[path] = true
		t.files = append(t.files, compose.File{Path: path, Link: target})
	}
}

// program takes an executable or library, the loader it names and the libraries it needs.
func (t *taker) program(path string) error {
	if t.taken[path] {
		return nil
	}
	file, err := t.file(path)
	if err != nil {
		return err
	}
	binary, err := elf.Open(filepath.Join(t.root, file))
	if err != nil {
		return err
	}
	defer binary.Close()
	if loader := interpreter(binary); loader != "" {
		if err := t.program(strings.TrimPrefix(loader, "/")); err != nil {
			return fmt.Errorf("its loader: %w", err)
		}
	}
	needed, err := binary.ImportedLibraries()
	if err != nil {
		return err
	}
	for _, name := range needed {
		library, err := t.find(name)
		if err != nil {
			return err
		}
		if err := t.program(library); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// file takes what path names, link by link, and returns the path of the file at the end.
func (t *taker) file(path string) (string, error) {
	for range 10 {
		f, err := fileAt(filepath.Join(t.root, path), path)
		if err != nil {
			return "", err
		}
		if !t.taken[path] {
			t.taken[path] = true
			t.files = append(t.files, f)
		}
		if f.Link == "" {
			return path, nil
		}
		if filepath.IsAbs(f.Link) {
			path = strings.TrimPrefix(f.Link, "/")
		} else {
			path = filepath.Join(filepath.Dir(path), f.Link)
		}
	}
	return "", fmt.Errorf("%s: too many links", path)
}

func (t *taker) find(library string) (string, error) {
	for _, dir := range libraryDirs {
		path := filepath.Join(dir, library)
		if _, err := os.Lstat(filepath.Join(t.root, path)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("the packages hold no library %s", library)
}

// interpreter is the path of the dynamic loader, or empty.
func interpreter(binary *elf.File) string {
	for _, p := range binary.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		data := make([]byte, p.Filesz)
		if _, err := p.ReadAt(data, 0); err == nil {
			return strings.TrimRight(string(data), "\x00")
		}
	}
	return ""
}
