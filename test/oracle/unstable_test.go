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
	compareUnstable(t, "versions.yaml", "--runtime-config=api/all=true")
}

// compareUnstable compares all resources of unstable versions that upstream serves with these flags.
func compareUnstable(t *testing.T, more string, flags ...string) {
	r := newRunner(t, flags...)
	var err error
	if r.dir, err = fixtureDir(); err != nil {
		t.Skip(err)
	}
	if testing.Short() {
		r.sample = 8
	}
	_, here, _, _ := runtime.Caller(0)
	var unstable []*resource
	var list []specimen
	for _, res := range served(t, r.theirs.config) {
		if unstableVersion.MatchString(res.version) {
			unstable = append(unstable, res)
		}
	}
	for _, file := range []string{"../../staging/src/tiphys.dev/apirules/testdata/unstable/kinds.yaml", "testdata/unstable/" + more, "testdata/unstable/alpha.yaml"} {
		some, err := read(filepath.Join(filepath.Dir(here), file), unstable)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, some...)
	}
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
	for _, s := range append(severalVersions(), discoveries()) {
		if !wanted(&resource{kind: "Stories"}) && !wanted(&resource{kind: s.name}) {
			continue
		}
		if err := r.tell(ctx, s); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	r.conclude(t)
}

// TestUnstableOpenAPI compares the documents of these versions.
func TestUnstableOpenAPI(t *testing.T) {
	upstream, ours := servers(t, "--runtime-config=api/all=true")
	compareParts(t, "/openapi/v2 definitions", document(t, upstream.config, "/openapi/v2")["definitions"], document(t, ours.config, "/openapi/v2")["definitions"])
	compareParts(t, "/openapi/v2 paths", document(t, upstream.config, "/openapi/v2")["paths"], document(t, ours.config, "/openapi/v2")["paths"])
	compareParts(t, "/openapi/v3", document(t, upstream.config, "/openapi/v3")["paths"], document(t, ours.config, "/openapi/v3")["paths"])
}
