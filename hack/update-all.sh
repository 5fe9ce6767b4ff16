#!/usr/bin/env bash
# Runs every hack/update-x.sh.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for script in hack/update-*.sh; do
  [[ "$script" == hack/update-all.sh ]] && continue
  echo "== $script"
  "$script"
done
