package main

import (
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"tiphys.dev/tiphys/build/images/compose"
)

const (
	testImages = "registry.k8s.io/e2e-test-images/"
	searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// upstreamPrograms are built from test/upstream.
var upstreamPrograms = []string{"agnhost", "nnp", "regression-issue-74839", "sample-apiserver", "etcd", "etcdctl"}

// image is one row: its name, the layers' names from the bottom, and the configuration.
type image struct {
	name   string
	layers []string
	config v1.Config
}

// recipe is everything to compose: each layer is a function so that it is made once and only when needed.
type recipe struct {
	layers map[string]func() ([]compose.File, error)
	images []image
}

func fixed(list ...compose.File) func() ([]compose.File, error) {
	return func() ([]compose.File, error) { return list, nil }
}

func table(p places) recipe {
	program := func(name, path string, mode int64) compose.File {
		return compose.File{Path: path, Mode: mode, Source: p.binary(name)}
	}
	upstreamData := func(path, name string) compose.File {
		return compose.File{Path: path, Mode: 0o644, Source: filepath.Join(p.kubernetes, "test", "images", name)}
	}
	packaged := func(tools []tool, more ...compose.File) func() ([]compose.File, error) {
		return func() ([]compose.File, error) {
			base, err := baseFiles(p.cache("busybox"))
			if err != nil {
				return nil, err
			}
			list, err := toolFiles(p.cache("root"), tools, applets(base))
			return append(list, more...), err
		}
	}
	agnhost := v1.Config{
		Entrypoint: []string{"/agnhost"}, Cmd: []string{"pause"},
		ExposedPorts: map[string]struct{}{"80/tcp": {}, "8080/tcp": {}, "8081/tcp": {}, "9376/tcp": {}, "5000/tcp": {}},
	}
	webserver := v1.Config{Entrypoint: agnhost.Entrypoint, Cmd: []string{"test-webserver"}, ExposedPorts: agnhost.ExposedPorts}
	nginx := v1.Config{
		Cmd: []string{"nginx", "-g", "daemon off;"}, StopSignal: "SIGQUIT", ExposedPorts: map[string]struct{}{"80/tcp": {}},
	}
	return recipe{
		layers: map[string]func() ([]compose.File, error){
			"base":  func() ([]compose.File, error) { return baseFiles(p.cache("busybox")) },
			"tools": packaged(agnhostTools),
			"agnhost": fixed(append(
				withUsers("user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\n",
					"user-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n"),
				program("agnhost", "agnhost", 0o755),
				compose.File{Path: "agnhost-2", Link: "agnhost"},
				compose.File{Path: "coredns", Mode: 0o755, Source: p.cache("coredns")},
				compose.File{Path: "uploads", Mode: 0o755, Dir: true},
				compose.File{Path: "home/user-defined-in-image", Mode: 0o755, UID: 1000, GID: 1000, Dir: true},
				upstreamData("localhost.crt", "agnhost/porter/localhost.crt"),
				upstreamData("localhost.key", "agnhost/porter/localhost.key"),
			)...),
			"kitten": fixed(upstreamData("kitten.jpg", "kitten/html/kitten.jpg"), upstreamData("data.json", "kitten/html/data.json")),
			"nautilus": fixed(
				upstreamData("nautilus.jpg", "nautilus/html/nautilus.jpg"), upstreamData("data.json", "nautilus/html/data.json")),
			"nginx":            packaged([]tool{{path: "usr/sbin/nginx"}}, nginxFiles(p.cache("root"))...),
			"nnp":              fixed(program("nnp", "usr/local/bin/nnp", 0o6755)),
			"regression":       fixed(program("regression-issue-74839", "regression-issue-74839", 0o755)),
			"sample-apiserver": fixed(program("sample-apiserver", "sample-apiserver", 0o755)),
			"etcd":             fixed(program("etcd", "usr/local/bin/etcd", 0o755), program("etcdctl", "usr/local/bin/etcdctl", 0o755)),
		},
		images: []image{
			{testImages + "agnhost:2.63.0", []string{"base", "tools", "agnhost"}, agnhost},
			{testImages + "agnhost:2.55", []string{"base", "tools", "agnhost"}, agnhost},
			{testImages + "busybox:1.37.0-1", []string{"base"}, v1.Config{Cmd: []string{"sh"}}},
			{testImages + "busybox:1.36.1-1", []string{"base"}, v1.Config{Cmd: []string{"sh"}}},
			{testImages + "glibc-dns-testing:2.0.0", []string{"base", "tools"}, v1.Config{Cmd: []string{"bash"}}},
			{testImages + "kitten:1.8", []string{"base", "tools", "agnhost", "kitten"}, webserver},
			{testImages + "nautilus:1.8", []string{"base", "tools", "agnhost", "nautilus"}, webserver},
			{testImages + "nginx:1.15-4", []string{"base", "nginx"}, nginx},
			{testImages + "nginx:1.27-0", []string{"base", "nginx"}, nginx},
			{testImages + "nonewprivs:1.4", []string{"base", "nnp"}, v1.Config{Cmd: []string{"nnp"}}},
			{testImages + "nonroot:1.5", []string{"base"}, v1.Config{User: "1234"}},
			{testImages + "regression-issue-74839:1.4", []string{"base", "regression"}, v1.Config{Entrypoint: []string{"/regression-issue-74839"}}},
			{testImages + "ipc-utils:1.4", []string{"base", "tools"}, v1.Config{Cmd: []string{"sh"}}},
			{testImages + "sample-apiserver:1.29.2", []string{"base", "sample-apiserver"}, v1.Config{Entrypoint: []string{"/sample-apiserver"}}},
			{"registry.k8s.io/etcd:3.6.8-0", []string{"base", "etcd"}, v1.Config{}},
		},
	}
}

// nginxFiles configures the distribution's nginx to serve one page from where upstream's image has it, and to log as containers do.
func nginxFiles(root string) []compose.File {
	const config = `user www-data;
worker_processes 2;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 1024; }
http {
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	access_log /dev/stdout;
	sendfile on;
	server {
		listen 80;
		root /usr/share/nginx/html;
		index index.html;
	}
}
`
	return []compose.File{
		{Path: "etc/nginx/nginx.conf", Mode: 0o644, Data: []byte(config)},
		{Path: "etc/nginx/mime.types", Mode: 0o644, Source: filepath.Join(root, "etc/nginx/mime.types")},
		{Path: "usr/share/nginx/html/index.html", Mode: 0o644, Source: filepath.Join(root, "usr/share/nginx/html/index.html")},
		{Path: "var/lib/nginx", Mode: 0o755, Dir: true},
		{Path: "var/log/nginx", Mode: 0o755, Dir: true},
	}
}
