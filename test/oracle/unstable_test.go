package oracle

import (
	"context"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
)

// unstableVersion is one of alpha or beta.
var unstableVersion = regexp.MustCompile(`^v\d+(alpha|beta)\d+$`)

// TestUnstableVersions does with the versions that are off by default what TestOracle does with the others, and tells stories in which one object has
// several versions.
func TestUnstableVersions(t *testing.T) {
	compareUnstable(t, anyKind, []string{"kinds.yaml"}, []string{"versions.yaml", "alpha.yaml"}, append(severalVersions(), discoveries()), "--runtime-config=api/all=true")
}

// TestGatedVersions does the same with kinds that need a feature gate beside it.
func TestGatedVersions(t *testing.T) {
	compareUnstable(t, regexp.MustCompile("ClusterTrustBundle|StorageVersionMigration"), []string{"gated.yaml"}, []string{"gated.yaml"}, nil,
		"--runtime-config=api/all=true", "--feature-gates=ClusterTrustBundle=true,StorageVersionMigrator=true")
}

var anyKind = regexp.MustCompile("")

// compareUnstable compares the resources of unstable versions that upstream serves with these flags, from manifests of the rules and from those that stand here.
func compareUnstable(t *testing.T, kinds *regexp.Regexp, rules, here []string, tales []story, flags ...string) {
	r := newRunner(t, flags...)
	var err error
	if r.dir, err = fixtureDir(); err != nil {
		t.Skip(err)
	}
	if testing.Short() {
		r.sample = 8
	}
	var unstable []*resource
	for _, res := range served(t, r.theirs.config) {
		if unstableVersion.MatchString(res.version) && kinds.MatchString(res.kind) {
			unstable = append(unstable, res)
		}
	}
	list := unstableManifests(t, unstable, rules, here)
	ctx := context.Background()
	for _, res := range unstable {
		if !wanted(res) {
			continue
		}
		if err := r.fixtures(ctx, res); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, s := range list {
			if s.resource != res {
				continue
			}
			found = true
			if err := r.try(ctx, s); err != nil {
				t.Fatal(err)
			}
			if err := r.live(ctx, s); err != nil {
				t.Error(err)
			}
		}
		if !found {
			t.Errorf("no manifest of %s", res.title())
		}
		write(t, r.score)
	}
	for _, s := range tales {
		if !wanted(&resource{kind: "Stories"}) && !wanted(&resource{kind: s.name}) {
			continue
		}
		if err := r.tell(ctx, s); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	r.conclude(t)
}

func unstableManifests(t *testing.T, resources []*resource, rules, here []string) []specimen {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	folder := filepath.Dir(file)
	var paths []string
	for _, name := range rules {
		paths = append(paths, filepath.Join(folder, "../../staging/src/tiphys.dev/apirules/testdata/unstable", name))
	}
	for _, name := range here {
		paths = append(paths, filepath.Join(folder, "testdata/unstable", name))
	}
	var out []specimen
	for _, path := range paths {
		some, err := read(path, resources)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, some...)
	}
	return out
}

// TestUnstableOpenAPI compares the documents of these versions.
func TestUnstableOpenAPI(t *testing.T) {
	upstream, ours := servers(t, "--runtime-config=api/all=true")
	compareParts(t, "/openapi/v2 definitions", document(t, upstream.config, "/openapi/v2")["definitions"], document(t, ours.config, "/openapi/v2")["definitions"])
	compareParts(t, "/openapi/v2 paths", document(t, upstream.config, "/openapi/v2")["paths"], document(t, ours.config, "/openapi/v2")["paths"])
	compareParts(t, "/openapi/v3", document(t, upstream.config, "/openapi/v3")["paths"], document(t, ours.config, "/openapi/v3")["paths"])
}
