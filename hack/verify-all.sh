#!/usr/bin/env bash
# Runs every hack/verify-x.sh and names all that failed, not only the first.
set -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
failed=()
for script in hack/verify-*.sh; do
  [[ "$script" == hack/verify-all.sh ]] && continue
  echo "== $script"
  "$script" || failed+=("$script")
done
if ((${#failed[@]} > 0)); then
  printf 'failed: %s\n' "${failed[*]}"
  exit 1
fi
echo "all checks passed"
