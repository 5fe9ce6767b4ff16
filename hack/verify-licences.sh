#!/usr/bin/env bash
# Fails when a module we link has no licence file, or one that is not known to go with Apache-2.0.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
failed=0
while read -r path dir; do
  [[ -n "$dir" ]] || continue
  file=$(find "$dir" -maxdepth 1 -iname 'licen[cs]e*' -o -maxdepth 1 -iname 'copying*' | head -n 1)
  if [[ -z "$file" ]]; then
    echo "$path: no licence file"
    failed=1
  elif ! grep -qiE 'apache license|mit license|permission is hereby granted, free of charge|redistribution and use in source|mozilla public license|permission to use, copy, modify' "$file"; then
    echo "$path: unknown licence, see $file"
    failed=1
  fi
done < <(go list -deps -f '{{with .Module}}{{.Path}} {{.Dir}}{{end}}' ./cmd/... | sort -u)
exit "$failed"
