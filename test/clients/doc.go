// Package clients lets programs that others wrote talk to upstream's kube-apiserver and to ours, and compares how they fare:
// whoever writes a client tests it against upstream's server, so these programs are the judges of whether ours can be told from it.
//
//   - TestSuites runs the test suites of other projects, at pinned versions (modules/, one Go module each, so that the project's own
//     go.mod knows nothing of them), and compares the outcome of every single test. A test that fails on both sides is no difference.
//   - TestHelm and TestKubectl run command lines (story_*.go) on both sides, through a proxy that notes every request, and compare exit code,
//     output, requests, what the server answered to writes, and the objects that are there after each step. Upstream's controller
//     manager runs beside either server, and a stand-in for nodes (world.go) makes pods ready.
//
// The tests skip unless CLIENTS is set, as they take long, and where upstream's binaries (hack/build-upstream.sh) or our kube-apiserver (TIPHYS_BIN, default _output/bin) are not
// built. CLIENTS_CACHE keeps the built clients (default _output/clients), CLIENTS_REPORT names a Markdown file for the counts,
// CLIENTS_SUITE picks suites by name (comma separated). CLIENTS_OUT keeps what came of every
// step. `hack/clients.sh` runs it all.
package clients
