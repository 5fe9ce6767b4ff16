#!/usr/bin/env bash
# Runs upstream's conformance tests against a running cluster and writes docs/conformance.md.
#
#   KUBECONFIG=FILE        administrator's kubeconfig (required)
#   FOCUS=WHAT             source file (common/node/pods.go), SIG (sig-node) or regular expression; default all 446
#   PROCS=7                workers for the tests that may run together; serial tests follow on one
#   RESUME=1               leave out what already passed
#   TIME_LIMIT=30m         interrupt after this time and keep what is done
#   NUM_NODES=N            what the suite is told; default: it counts
#   NETNS=PATH             run the suite in this network namespace (it must reach API, node and pod addresses)
#   CONTAINERD_ADDRESS=…   containerd socket(s), separated by spaces: import the images there first
#   IMAGES=DIR             the archives; default _output/images, composed when CONTAINERD_ADDRESS or REGISTRY_LISTEN asks for them
#   REGISTRY_LISTEN=ADDR   serve the images there (in NETNS) while the suite runs, for the tests that pull
#   CERTS_D=DIR            containerd's certs.d directory, pointed at that registry (or give the cluster such a file yourself)
#   RESULTS=DIR            keeps every run; default _output/conformance
#   REPORT=FILE            default docs/conformance.md; empty for none
#
# Ends with 1 when a test failed or had no turn; the report is written all the same.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${KUBECONFIG:?KUBECONFIG names the cluster}"
bin=$root/_output/upstream/bin
images=${IMAGES:-$root/_output/images}
results=${RESULTS:-$root/_output/conformance}
report=${REPORT-$root/docs/conformance.md}
tools=$root/_output/conformance/bin

enter=()
if [[ -n ${NETNS:-} ]]; then
  # Not `ip netns exec`: that remounts /sys and loses the cgroup mounts.
  enter=(nsenter "--net=$NETNS" --)
fi

cd "$root"
hack/build-upstream.sh ginkgo e2e.test kubectl
mkdir -p "$tools"
go build -buildvcs=false -o "$tools/" ./test/conformance ./test/images/registry

if [[ -n ${CONTAINERD_ADDRESS:-}${REGISTRY_LISTEN:-} && -z ${IMAGES:-} ]]; then
  nice -n 10 go run ./test/images -o "$images"
fi
ctr() { "$root/_output/node/bin/ctr" --address "$1" --namespace k8s.io images "${@:2}"; }
for socket in ${CONTAINERD_ADDRESS:-}; do
  # Lines of "name digest", as the archives and as this containerd have them.
  present=$(ctr "$socket" list | awk 'NR > 1 { print $1, $3 }')
  for archive in "$images"/*.tar; do
    wanted=$(tar -xOf "$archive" index.json | grep -o '"digest":"[^"]*","annotations":{"io.containerd.image.name":"[^"]*"' \
      | sed 's/"digest":"\([^"]*\)".*name":"\([^"]*\)"/\2 \1/')
    if [[ -n $(grep -vxFf <(echo "$present") <<< "$wanted") ]]; then
      ctr "$socket" import "$archive" > /dev/null
    fi
  done
done

registry=
stop() { if [[ -n $registry ]]; then kill "$registry" 2> /dev/null || true; wait "$registry" 2> /dev/null || true; fi; }
trap stop EXIT
if [[ -n ${REGISTRY_LISTEN:-} ]]; then
  "${enter[@]}" "$tools/registry" -dir "$images" -listen "$REGISTRY_LISTEN" ${CERTS_D:+-hosts-dir "$CERTS_D"} &
  registry=$!
fi

command="make conformance${FOCUS:+ FOCUS='$FOCUS'}${PROCS:+ PROCS=$PROCS}"
code=0
"${enter[@]}" "$tools/conformance" run -bin "$bin" -kubeconfig "$KUBECONFIG" -results "$results" -focus "${FOCUS:-}" -procs "${PROCS:-7}" \
  -time-limit "${TIME_LIMIT:-0}" -num-nodes "${NUM_NODES:-}" -command "$command" ${RESUME:+-resume} || code=$?
if [[ -n $report ]]; then
  "$tools/conformance" report -results "$results" -o "$report"
fi
exit $code
