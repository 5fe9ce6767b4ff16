#!/usr/bin/env bash
# Builds our binaries and measures them and upstream's in turn (test/bench). Arguments go
# to the program, for example: hack/bench.sh -run proxy,load
# Upstream's binaries come from hack/build-upstream.sh.
set -o errexit -o nounset -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ ! -x _output/upstream/bin/kube-apiserver ]]; then
  hack/build-upstream.sh
fi
make --no-print-directory build
exec go run ./test/bench "$@"
