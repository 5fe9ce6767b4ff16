#!/usr/bin/env bash
# go vet and staticcheck over the root module and the staging modules.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$PWD/_output/tools
mkdir -p "$bin"
(cd hack/tools && GOBIN=$bin go install honnef.co/go/tools/cmd/staticcheck)
failed=0
for module in . staging/src/tiphys.dev/*; do
  (cd "$module" && go vet ./... && "$bin/staticcheck" -checks 'inherit,-ST1000,-ST1003,-SA1019' ./...) || failed=1
done
exit "$failed"
