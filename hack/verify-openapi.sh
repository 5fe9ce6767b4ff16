#!/usr/bin/env bash
# Fails when the OpenAPI definitions are not those of the API modules in go.mod.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
hack/update-openapi.sh "$fresh"
if ! cmp -s "$fresh/zz_generated.openapi.go" pkg/generated/openapi/zz_generated.openapi.go; then
  echo "pkg/generated/openapi is stale: run hack/update-openapi.sh"
  exit 1
fi
