// Package oracle sends the same requests to upstream's kube-apiserver and to ours and compares the answers: status code,
// reason, causes (type and field), warnings, and the object that comes back.
//
// The corpus has three sources: the valid manifests of tiphys.dev/apirules, the few of testdata/manifests for kinds that
// have no rules there, and the wire fixtures of k8s.io/api. From each manifest the test makes every mutation of every
// field (missing, empty, doubled, odd, long, negative, large, flipped) and sends it as create and as update without
// storing it; then it leads the object through a life: create, get, list, tables, updates, status, patches of three kinds,
// server-side apply with a conflict, deletion. Values that each server chooses for itself (UIDs, times, versions, addresses,
// ports, random suffixes) are made equal before the comparison.
//
// Both servers are started through test/peer, with the same admission plugins: those that both have. The test skips where
// upstream's binaries or our kube-apiserver are not built. A difference fails the test unless testdata/known.json explains
// it. ORACLE_REPORT names a Markdown file for the counts, ORACLE_OUT one for every difference, ORACLE_KIND picks kinds
// (comma separated), and ORACLE_UPSTREAM with ORACLE_OURS name kubeconfigs of servers that run already.
package oracle
