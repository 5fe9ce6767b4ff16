#!/usr/bin/env bash
# Prints the linker flags that stamp a build with its version: the one of build/version, with the
# commit it was built from. A tree that is not at a commit is marked as dirty.
set -o errexit -o nounset -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(<build/version)
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
state=clean
[[ -z $(git status --porcelain --untracked-files=no 2>/dev/null) ]] || state=dirty
# The commit's date, not today's: the same source gives the same binary.
date=$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo 1970-01-01T00:00:00Z)

core=${version#v}
major=${core%%.*}
minor=${core#*.}
minor=${minor%%.*}

package=k8s.io/component-base/version
printf -- '-s -w'
for pair in gitVersion="$version" gitCommit="$commit" gitTreeState="$state" buildDate="$date" \
  gitMajor="$major" gitMinor="$minor"; do
  printf -- ' -X %s.%s' "$package" "$pair"
done
printf '\n'
