#!/usr/bin/env bash
# Builds upstream Kubernetes 1.36.3, etcd and the conformance suite, from the pinned test-only module test/upstream,
# into _output/upstream/bin. Idempotent: a binary is rebuilt only when its recipe (module pins, flags, Go version)
# changed. Order: what others wait for comes first.
#
#   hack/build-upstream.sh              everything
#   hack/build-upstream.sh kubelet etcd only these
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${OUT:-$root/_output/upstream/bin}
mod=$root/test/upstream
jobs=${JOBS:-2}
mkdir -p "$out/.recipe"

kubernetes=v1.36.3
built=2026-07-22T18:07:38Z   # the module's own time: builds are reproducible
kubectl_old=v1.32.3

# stamp VERSION DATE -> linker flags that set component-base's and client-go's version variables
stamp() {
  local v=$1 date=$2 major minor p
  major=${v#v}; minor=${major#*.}; major=${major%%.*}; minor=${minor%%.*}
  printf -- '-s -w'
  for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf -- ' -X %s.gitVersion=%s -X %s.gitMajor=%s -X %s.gitMinor=%s -X %s.gitTreeState=clean -X %s.buildDate=%s' \
      "$p" "$v" "$p" "$major" "$p" "$minor" "$p" "$p" "$date"
  done
}

# build NAME DIR LDFLAGS VERB PACKAGE [flags...]: VERB is "build" or "test -c"
build() {
  local name=$1 dir=$2 ldflags=$3 verb=$4 pkg=$5; shift 5
  local recipe
  recipe=$({ go version; echo "$ldflags $verb $pkg $*"; cat "$dir/go.mod" "$dir/go.sum" "$dir"/*.go; } | sha256sum)
  if [[ -x $out/$name && $(cat "$out/.recipe/$name" 2>/dev/null) == "$recipe" ]]; then
    return
  fi
  echo "building $name" >&2
  # shellcheck disable=SC2086 # VERB may be two words
  (cd "$dir" && CGO_ENABLED=0 GOFLAGS=-mod=readonly nice -n 15 \
    go $verb -p "$jobs" -buildvcs=false -ldflags "$ldflags" "$@" -o "$out/$name.new" "$pkg")
  mv "$out/$name.new" "$out/$name"
  echo "$recipe" > "$out/.recipe/$name"
}

server() { build "$1" "$mod" "$(stamp $kubernetes $built)" build "k8s.io/kubernetes/cmd/$1" -tags=selinux,notest,grpcnotrace; }
plain() { build "$1" "$mod" "-s -w" build "$2"; }

one() {
  case $1 in
    kube-apiserver|kube-controller-manager|kube-scheduler|kubelet|kube-proxy|kubectl) server "$1" ;;
    etcd) plain etcd go.etcd.io/etcd/server/v3 ;;
    etcdctl) plain etcdctl go.etcd.io/etcd/etcdctl/v3 ;;
    ginkgo) plain ginkgo github.com/onsi/ginkgo/v2/ginkgo ;;
    e2e.test) build e2e.test "$mod" "$(stamp $kubernetes $built)" "test -c" k8s.io/kubernetes/test/e2e ;;
    kubectl-1.32) build kubectl-1.32 "$mod/kubectl132" "$(stamp $kubectl_old "")" build . ;;
    agnhost) build agnhost "$mod" "$(stamp $kubernetes $built)" build k8s.io/kubernetes/test/images/agnhost ;;
    nnp) plain nnp k8s.io/kubernetes/test/images/nonewprivs ;;
    regression-issue-74839) plain regression-issue-74839 k8s.io/kubernetes/test/images/regression-issue-74839 ;;
    sample-apiserver) build sample-apiserver "$mod" "$(stamp $kubernetes $built)" build k8s.io/sample-apiserver ;;
    *) echo "unknown binary $1" >&2; exit 2 ;;
  esac
}

if (($#)); then
  for name in "$@"; do one "$name"; done
else
  for name in kube-apiserver etcd kubectl etcdctl kube-controller-manager kube-scheduler kubelet kube-proxy \
    e2e.test ginkgo kubectl-1.32 agnhost nnp regression-issue-74839 sample-apiserver; do
    one "$name"
  done
fi
