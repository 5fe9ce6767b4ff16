package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func tests(t *testing.T) []Test {
	t.Helper()
	all, err := suite()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSuiteHas446TestsOfWhich29Serial(t *testing.T) {
	all := tests(t)
	serial := filter(all, func(t Test) bool { return t.Serial })
	if len(all) != 446 || len(serial) != 29 {
		t.Errorf("%d tests, %d serial; want 446 and 29", len(all), len(serial))
	}
	for _, test := range all {
		if test.Serial != strings.Contains(test.Name, "[Serial]") {
			t.Errorf("%s: serial is %t", test.Name, test.Serial)
		}
	}
}

func TestSelect(t *testing.T) {
	all := tests(t)
	for _, tc := range []struct {
		name, focus string
		want        func(Test) bool
	}{
		{"everything", "", func(Test) bool { return true }},
		{"a file", "common/node/pods.go", func(t Test) bool { return t.File == "common/node/pods.go" }},
		{"a file without its first folder", "node/pods.go", func(t Test) bool { return strings.HasSuffix(t.File, "node/pods.go") }},
		{"a SIG", "sig-storage", func(t Test) bool { return t.SIG == "sig-storage" }},
		{"an expression", `Pods.*\[NodeConformance\]`, func(t Test) bool { return regexp.MustCompile(`Pods.*\[NodeConformance\]`).MatchString(t.Name) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := selectTests(all, tc.focus)
			if err != nil {
				t.Fatal(err)
			}
			want := filter(all, tc.want)
			if len(got) != len(want) {
				t.Errorf("%d tests, want %d", len(got), len(want))
			}
			for _, test := range got {
				if !tc.want(test) {
					t.Errorf("%s was picked", test.Name)
				}
			}
		})
	}
	for _, focus := range []string{"no/such.go", "sig-none", "nothing is called so", "("} {
		if _, err := selectTests(all, focus); err == nil {
			t.Errorf("focus %q was accepted", focus)
		}
	}
}

func TestPatternMatchesEachNameAndNoOther(t *testing.T) {
	all := tests(t)
	re := regexp.MustCompile(pattern(all[:100]))
	for i, test := range all {
		if got := re.MatchString("Kubernetes e2e suite " + test.Name); got != (i < 100) {
			t.Errorf("%s: match %t", test.Name, got)
		}
	}
	if re.MatchString("Kubernetes e2e suite " + all[0].Name + " more") {
		t.Error("a longer name matches")
	}
}

// The list must name specs that the built suite really has.
func TestSuiteBinaryHasEveryTest(t *testing.T) {
	binary := filepath.Join("..", "..", "_output", "upstream", "bin", "e2e.test")
	if _, err := os.Stat(binary); err != nil || testing.Short() {
		t.Skip("e2e.test is not built (hack/build-upstream.sh e2e.test), or the test shall be short")
	}
	out, err := exec.Command(binary, "--ginkgo.dry-run", "--ginkgo.silence-skips", "--ginkgo.no-color",
		"--ginkgo.focus="+pattern(tests(t)), "--provider=skeleton", "--kubeconfig=/dev/null").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out[max(0, len(out)-2000):])
	}
	if !strings.Contains(string(out), "446 Passed") {
		t.Errorf("not all tests were found: %s", out[max(0, len(out)-300):])
	}
}
