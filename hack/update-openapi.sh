#!/usr/bin/env bash
# Regenerates pkg/generated/openapi: the OpenAPI definitions of every type the API server serves, from the published API
# modules at the versions in go.mod.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  k8s.io/apimachinery/pkg/apis/meta/v1
  k8s.io/apimachinery/pkg/runtime
  k8s.io/apimachinery/pkg/version
  k8s.io/apimachinery/pkg/api/resource
  k8s.io/apimachinery/pkg/util/intstr
  k8s.io/kube-aggregator/pkg/apis/apiregistration/v1
  k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1
)
api=$(go list -m -f '{{.Dir}}' k8s.io/api)
for types in "$api"/*/*/types.go; do
  packages+=("k8s.io/api${types#"$api"}")
done
packages=("${packages[@]%/types.go}")

out=${1:-pkg/generated/openapi}
mkdir -p "$out"
header=$(mktemp)
trap 'rm -f "$header"' EXIT
go tool openapi-gen \
  --go-header-file "$header" \
  --output-dir "$out" --output-pkg tiphys.dev/tiphys/pkg/generated/openapi \
  --output-file zz_generated.openapi.go \
  --report-filename /dev/null "${packages[@]}"
