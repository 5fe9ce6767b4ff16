#!/usr/bin/env bash
# Lets other projects' clients judge our kube-apiserver beside upstream's (test/clients) and writes the counts of their suites.
#
#   hack/clients.sh                                   everything
#   CLIENTS_SUITE=kro,fluxcd-ssa hack/clients.sh      some suites
#   RUN=TestHelm hack/clients.sh                      one test
#   REPORT=FILE       where the counts go; default _output/clients/counts.md
#   TIPHYS_BIN=DIR    our binaries; default: kube-apiserver is built into _output/bin
#
# The first run fetches and compiles the clients, which takes two free cores a quarter of an hour.
set -o errexit -o nounset -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
hack/build-upstream.sh etcd kube-apiserver kube-controller-manager kubectl kubectl-1.32
if [[ -z ${TIPHYS_BIN:-} ]]; then
  CGO_ENABLED=0 go build -trimpath -ldflags "$(build/ldflags.sh)" -o _output/bin/kube-apiserver ./cmd/kube-apiserver
fi
mkdir -p _output/clients
CLIENTS_REPORT=${REPORT:-_output/clients/counts.md}
[[ $CLIENTS_REPORT == /* ]] || CLIENTS_REPORT=$PWD/$CLIENTS_REPORT
export CLIENTS_REPORT CLIENTS=1
go test ./test/clients -count=1 -timeout 6h ${RUN:+-run "$RUN"} -v
