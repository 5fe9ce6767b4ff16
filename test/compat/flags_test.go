package compat

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// flagFact is a flag as upstream's --help shows it.
type flagFact struct {
	Name, Type, Default string
	Deprecated          bool
}

// flagDifferences are the flags whose help differs from upstream's, each with the reason. All of them are accepted.
var flagDifferences = map[string]map[string]string{
	"kubelet": {
		"help":                                  "the help does not list itself",
		"housekeeping-interval":                 ignoredByKubelet,
		"image-credential-provider-bin-dir":     ignoredByKubelet,
		"image-credential-provider-config":      ignoredByKubelet,
		"log-flush-frequency":                   ignoredByKubelet,
		"runtime-cgroups":                       ignoredByKubelet,
		"maximum-dead-containers":               otherType,
		"maximum-dead-containers-per-container": otherType,
		"seccomp-default":                       "upstream's help takes a word of the description for the type; both are boolean",
		"version":                               "upstream's help shows that --version=raw exists",
	},
}

const (
	// See acceptedFlags in cmd/kubelet/flagtable.go.
	ignoredByKubelet = "accepted without effect, so it is not advertised"
	otherType        = "the same numbers are taken, the help names another Go type"
)

// TestFlags builds our binaries and makes sure that each takes every flag of upstream's, with upstream's default.
func TestFlags(t *testing.T) {
	var want map[string][]flagFact
	load(t, "flags.json", &want)
	dir := t.TempDir()
	for binary, facts := range want {
		t.Run(binary, func(t *testing.T) {
			path := filepath.Join(dir, binary)
			build := exec.Command("go", "build", "-o", path, "tiphys.dev/tiphys/cmd/"+binary)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("building: %v\n%s", err, out)
			}
			accepted(t, path, facts)
			compareHelp(t, path, facts, flagDifferences[binary])
		})
	}
}

var unknownFlag = regexp.MustCompile(`unknown (?:shorthand )?flag: (?:'.*' in )?-?-([\w.-]+)`)

// accepted gives the binary all flags at once, with --help, and takes out those it does not know until it shows its help.
func accepted(t *testing.T, path string, facts []flagFact) {
	left := slices.DeleteFunc(slices.Clone(facts), func(f flagFact) bool { return f.Name == "help" || f.Name == "version" })
	for range facts {
		var args []string
		for _, f := range left {
			args = append(args, "--"+f.Name+"="+f.value())
		}
		out, err := exec.Command(path, append(args, "--help")...).CombinedOutput()
		if err == nil {
			return
		}
		m := unknownFlag.FindSubmatch(out)
		if m == nil {
			t.Fatalf("a value of upstream is not taken: %v\n%s", err, lastLines(out, 3))
		}
		t.Errorf("--%s is not known", m[1])
		left = slices.DeleteFunc(left, func(f flagFact) bool { return f.Name == string(m[1]) })
	}
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// values are valid ones of types that have no default.
var values = map[string]string{
	"bool": "true", "int": "1", "int32": "1", "uint": "1", "float": "0.5", "float32": "1", "duration": "1m", "ip": "127.0.0.1", "ipport": "127.0.0.1:1",
	"mapStringBool": "AllAlpha=false", "colonSeparatedMultimapStringString": "AllAlpha=false", "quantity": "1Mi", "Level": "1",
	"pattern=N,...": "a=1", "cidr": "10.0.0.0/8", "int32Slice": "29", "namedCertKey": "a.crt,a.key",
}

// byName are values of flags whose type does not say what they take.
var byName = map[string]string{
	"feature-gates": "AllAlpha=false", "emulated-version": "kube=1.36", "min-compatibility-version": "kube=1.35",
	"allow-metric-labels": "a,b=c", "tls-min-version": "VersionTLS12", "tls-curve-preferences": "29", "tls-sni-cert-key": "a.crt,a.key",
	"log-json-info-buffer-size": "1Mi", "log-text-info-buffer-size": "1Mi", "register-with-taints": "a=b:NoSchedule",
	"reserved-memory": "0:memory=1Gi", "manifest-url-header": "a:b", "seccomp-default": "true", "detect-local-mode": "ClusterCIDR", "proxy-mode": "nftables", "nodeport-addresses": "10.0.0.0/8",
}

// value is what the test gives the flag: upstream's default, or something valid.
func (f flagFact) value() string {
	if v, ok := byName[f.Name]; ok {
		return v
	}
	if d := strings.Trim(f.Default, `"`); d != "" && !strings.HasPrefix(d, "[") {
		return d
	}
	if v, ok := values[f.Type]; ok {
		return v
	}
	if strings.HasPrefix(strings.ToLower(f.Type), "map") || f.Type == "stringToString" || strings.Contains(f.Type, "=") {
		return "a=b"
	}
	return "a"
}

func compareHelp(t *testing.T, path string, facts []flagFact, differences map[string]string) {
	out, err := exec.Command(path, "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("--help: %v", err)
	}
	got := parseHelp(out)
	used := map[string]bool{}
	for _, w := range facts {
		g, shown := got[w.Name]
		var problem string
		switch {
		case !shown && w.Deprecated:
			// A flag on its way out need not be advertised.
			continue
		case !shown:
			problem = "is not in the help"
		case g.Default != w.Default:
			problem = fmt.Sprintf("has the default %s, upstream %s", orNone(g.Default), orNone(w.Default))
		case g.Type != w.Type:
			problem = fmt.Sprintf("has the type %s, upstream %s", g.Type, w.Type)
		default:
			continue
		}
		used[w.Name] = true
		if differences[w.Name] == "" {
			t.Errorf("--%s %s", w.Name, problem)
		}
	}
	for name := range differences {
		if !used[name] {
			t.Errorf("--%s is listed as different and is not", name)
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

var (
	helpLine   = regexp.MustCompile(`^\s+(?:-\w, )?--([\w.-]+)(?: (\S+))?(?:\s{3,}(.*)|\s*)$`)
	helpIndent = strings.Repeat(" ", 20)
	// helpDefault is the default at the end of a description, before what it may say about deprecation.
	helpDefault = regexp.MustCompile(`\(default (.*?)\)(?: \(DEPRECATED: .*\))?$`)
)

// parseHelp reads the flags of a help text.
func parseHelp(text []byte) map[string]flagFact {
	out := map[string]flagFact{}
	var name, kind, description string
	end := func() {
		if name == "" {
			return
		}
		f := flagFact{Name: name, Type: kind}
		if f.Type == "" {
			f.Type = "bool"
		}
		if m := helpDefault.FindStringSubmatch(strings.TrimSpace(description)); m != nil {
			f.Default = m[1]
		}
		out[name], name = f, ""
	}
	for line := range bytes.Lines(text) {
		line := strings.TrimRight(string(line), "\n")
		if m := helpLine.FindStringSubmatch(line); m != nil {
			end()
			name, kind, description = m[1], m[2], m[3]
		} else if strings.HasPrefix(line, helpIndent) {
			description += " " + strings.TrimSpace(line)
		} else {
			end()
		}
	}
	end()
	return out
}
