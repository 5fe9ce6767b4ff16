#!/usr/bin/env bash
# Fetches what the conformance suite's images need of the distribution, with the machine's own package sources:
#
#   test/images/debian.sh DIR packages PACKAGE...   the packages and all they depend on, unpacked into DIR/root
#   test/images/debian.sh DIR busybox               busybox from the distribution's source package, unpatched and static, in DIR/busybox
#
# Keeps package lists of its own below DIR, because it needs the source packages' list and must not change the machine's.
# What is there is not fetched again. Runs on Debian; needs dpkg-dev for nothing, gcc, make and bzip2 for busybox.
set -euo pipefail

dir=$(mkdir -p "$1" && cd "$1" && pwd); what=$2; shift 2
apt=(-q -o "Dir::State::lists=$dir/lists" -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$dir/sources"
  -o "Dir::Cache::archives=$dir/archives" -o "Dir::Cache::pkgcache=$dir/pkgcache.bin" -o "Dir::Cache::srcpkgcache=$dir/srcpkgcache.bin"
  -o "APT::Sandbox::User=root" -o "Acquire::Languages=none" -o "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false")

# update makes the private lists, once a day at most.
update() {
  if [[ -n $(find "$dir/updated" -mmin -1440 2>/dev/null) ]]; then return; fi
  mkdir -p "$dir/lists/partial" "$dir/sources" "$dir/archives/partial"
  local f
  for f in /etc/apt/sources.list.d/*.sources; do
    [[ -e $f ]] && grep -q debian-archive-keyring "$f" && sed 's/^Types:.*/Types: deb deb-src/' "$f" > "$dir/sources/${f##*/}"
  done
  if [[ -s /etc/apt/sources.list ]]; then
    sed -n 's/^deb \(.*\)/deb \1\ndeb-src \1/p' /etc/apt/sources.list > "$dir/sources/machine.list"
  fi
  apt-get "${apt[@]}" update >&2
  touch "$dir/updated"
}

# closure prints the real packages that the named ones depend on, themselves included.
closure() {
  apt-cache "${apt[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" \
    | sed -n 's/^\([a-z0-9][a-z0-9.+-]*\)$/\1/p' | sort -u
}

packages() {
  local stamp
  stamp=$(echo "$@" | sha256sum)
  if [[ -d $dir/root && $(cat "$dir/root.stamp" 2>/dev/null) == "$stamp" ]]; then return; fi
  update
  mkdir -p "$dir/debs"
  local list name
  list=$(closure "$@")
  rm -rf "$dir/root.new"
  mkdir -p "$dir/root.new"
  # Files of another run may be older versions.
  rm -f "$dir"/debs/*.deb
  # shellcheck disable=SC2086 # a list of names
  (cd "$dir/debs" && apt-get "${apt[@]}" download $list >&2)
  for name in "$dir"/debs/*.deb; do
    dpkg-deb -x "$name" "$dir/root.new"
  done
  rm -rf "$dir/root"
  mv "$dir/root.new" "$dir/root"
  echo "$stamp" > "$dir/root.stamp"
}

# busybox without the distribution's patches: its shell must pass on environment variables whose names are no identifiers, and must
# prefer programs in PATH to its own applets (no FEATURE_SH_STANDALONE, no FEATURE_PREFER_APPLETS).
busybox() {
  if [[ -x $dir/busybox/bin/busybox ]]; then return; fi
  update
  local work=$dir/busybox.src
  rm -rf "$work" "$dir/busybox.new"
  mkdir -p "$work"
  (cd "$work" && apt-get "${apt[@]}" source --download-only busybox >&2 && mkdir tree && tar -xf busybox_*.orig.tar.* -C tree --strip-components=1)
  cd "$work/tree"
  make -s defconfig > /dev/null
  local off
  for off in FEATURE_SH_STANDALONE FEATURE_PREFER_APPLETS FEATURE_SH_NOFORK; do
    sed -i "s/^CONFIG_$off=y/# CONFIG_$off is not set/" .config
  done
  sed -i 's/^# CONFIG_STATIC is not set/CONFIG_STATIC=y/; s/^CONFIG_EXTRA_CFLAGS=.*/CONFIG_EXTRA_CFLAGS="-Wno-error"/' .config
  { yes "" || true; } | make -s oldconfig > /dev/null
  nice -n 15 make -s -j2 busybox busybox.links > make.log 2>&1 || { tail -n 40 make.log >&2; exit 1; }
  make -s install CONFIG_PREFIX="$dir/busybox.new" >> make.log 2>&1 || { tail -n 40 make.log >&2; exit 1; }
  mv "$dir/busybox.new" "$dir/busybox"
}

case $what in
  packages) packages "$@" ;;
  busybox) busybox ;;
  *) echo "unknown request $what" >&2; exit 2 ;;
esac
