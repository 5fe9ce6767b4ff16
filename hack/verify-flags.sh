#!/usr/bin/env bash
# Fails when a binary lacks a flag of upstream's (test/compat/testdata/flags.json).
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec go test ./test/compat -run TestFlags
