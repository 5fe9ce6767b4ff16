#!/usr/bin/env bash
# Formats every Go file of the repository.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
git ls-files -z '*.go' | xargs -0 gofmt -l -w
