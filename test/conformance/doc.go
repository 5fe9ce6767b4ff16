// Command conformance runs upstream's conformance tests against a running cluster and writes down what they say:
//
//	conformance run -kubeconfig FILE [-focus WHAT] [-procs N] [-resume]   # hack/conformance.sh calls this
//	conformance report -o docs/conformance.md
//	conformance list [-focus WHAT]
//
// A run picks tests from the suite's own list (testdata/conformance-1.36.tsv, with the seconds upstream took), gives their exact names to
// ginkgo, first those that may run together, then the serial ones on one worker, and keeps each part's JUnit file in a
// directory of its own. An interrupt still lets the suite write that file.
//
// Results are merged: of every test the latest verdict counts, whichever run it is from. So a long suite can be run in pieces, and a
// repaired test alone. What has no verdict is reported as not run, never left out.
package main
