#!/usr/bin/env bash
# Fails when a Go file is not formatted.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unformatted=$(git ls-files -z '*.go' | xargs -0 gofmt -l)
if [[ -n "$unformatted" ]]; then
  printf 'not formatted (run hack/update-format.sh):\n%s\n' "$unformatted"
  exit 1
fi
