package clients

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOutcomes(t *testing.T) {
	a := outcomes{}
	a.fromGo([]byte("=== RUN   TestA\n--- PASS: TestA (0.01s)\n    --- FAIL: TestA/b_c (1.00s)\n--- SKIP: TestD (0.00s)\nok\n"))
	if diff := cmp.Diff(outcomes{"TestA": "passed", "TestA/b_c": "failed", "TestD": "skipped"}, a); diff != "" {
		t.Error(diff)
	}
	b := outcomes{}
	report := `<testsuites><testsuite><testcase name="[BeforeSuite]" status="passed"/><testcase name="[It] x" status="passed"/>` +
		`<testcase name="[It] x" status="panicked"/><testcase name="[It] y" status="pending"/></testsuite></testsuites>`
	if err := b.fromJUnit([]byte(report)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(outcomes{"[It] x": "passed", "[It] x (2)": "failed", "[It] y": "skipped"}, b); diff != "" {
		t.Error(diff)
	}
	want := []string{
		"[It] x (2): not run with upstream, failed with ours", "[It] y: passed with upstream, skipped with ours", "only: failed with upstream, not run with ours",
	}
	if diff := cmp.Diff(want, differences(outcomes{"[It] x": "passed", "[It] y": "passed", "only": "failed"}, b)); diff != "" {
		t.Error(diff)
	}
}
