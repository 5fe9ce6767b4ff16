#!/usr/bin/env bash
# go vet and staticcheck over the root module and the staging modules. Not asked for: package comments and names by staticcheck's
# taste (test/architecture asks for doc.go), the form of error texts (clients see them, so they are upstream's), and
# deprecated API fields (we serve them).
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$PWD/_output/tools
mkdir -p "$bin"
(cd hack/tools && GOBIN=$bin go install honnef.co/go/tools/cmd/staticcheck)
failed=0
for module in . staging/src/tiphys.dev/*; do
  # Both, whatever the first finds.
  (cd "$module" && go vet ./...) || failed=1
  (cd "$module" && "$bin/staticcheck" -checks 'inherit,-ST1000,-ST1003,-ST1005,-SA1019' ./...) || failed=1
done
exit "$failed"
