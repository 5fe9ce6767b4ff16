#!/usr/bin/env bash
# Runs the tests of the root module and of each staging module, or of the packages given as
# arguments, and ends with the numbers of passed, failed and skipped tests. Extra flags for `go test`: TESTFLAGS.
set -o errexit -o nounset -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log report=$work/report
go build -o "$report" ./hack/testreport
failed=0

# run DIR PACKAGES...: results of every test go to the log as JSON, failures and packages to the terminal.
run() {
  local dir=$1
  shift
  # shellcheck disable=SC2086 # TESTFLAGS holds several flags
  if ! (cd "$dir" && go test -json -timeout 45m ${TESTFLAGS:-} "$@") | tee -a "$log" | "$report"; then
    failed=1
  fi
}

if (($# > 0)); then
  run . "$@"
else
  run . ./...
  for module in staging/src/tiphys.dev/*/go.mod; do
    run "$(dirname "$module")" ./...
  done
fi
"$report" -count <"$log" || failed=1
exit "$failed"
