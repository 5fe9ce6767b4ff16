#!/usr/bin/env bash
# Runs a cluster as separate processes in the foreground: etcd, kube-apiserver,
# kube-controller-manager, kube-scheduler, kubelet, kube-proxy and containerd, each with upstream's flags and
# its own kubeconfig, in a node made by `tiphys dev up --node-only`. Ctrl-C takes all of it away.
#
#   NAME=split                     name of the cluster and node
#   BIN_DIR=_output/bin            the programs; _output/upstream/bin runs upstream's
#   ETCD=_output/upstream/bin/etcd the etcd binary; built from its Go module when missing
#   KEEP=1                         leave the cluster running and return
#
# Any program can be exchanged while it runs: change DATA_DIR/commands/NAME and end the process.
set -o errexit -o nounset -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
name=${NAME:-split}
bin=$(realpath "${BIN_DIR:-$root/_output/bin}")
etcd=$(realpath -m "${ETCD:-$root/_output/upstream/bin/etcd}")
tiphys=$root/_output/bin/tiphys

say() { printf '[local-up] %s\n' "$*"; }

((EUID == 0)) || { say "root is needed to make namespaces: use sudo"; exit 1; }
[[ -x $tiphys ]] || { say "$tiphys is missing: run make build"; exit 1; }
"$root/hack/install-node-deps"
[[ -x $etcd ]] || "$root/hack/build-upstream.sh" etcd
for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy; do
  [[ -x $bin/$program ]] || { say "$bin/$program is missing: run make build, or set BIN_DIR"; exit 1; }
done

"$tiphys" dev up --name "$name" --node-only
eval "$("$tiphys" dev env --name "$name")"
inside() { "$tiphys" dev exec --name "$name" -- "$@"; }

# SERVER_FLAGS is a list of flags without blanks.
# shellcheck disable=SC2086
inside "$tiphys" server $SERVER_FLAGS --write-commands="$bin" --etcd-binary="$etcd" >/dev/null

declare -A pids=()
logs=$DATA_DIR/logs
mkdir -p "$logs"

# keep NAME: runs a program, and again a second after it ended, until its stop file appears or the
# node is gone.
keep() {
  while [[ ! -e $logs/$1.stop && -e $NETNS ]]; do
    inside "$DATA_DIR/commands/$1" >>"$logs/$1.log" 2>&1 </dev/null || true
    [[ -e $logs/$1.stop ]] || sleep 1
  done
}

start() {
  rm -f "$logs/$1.stop"
  # Output of its own: a pipe the caller reads must end with the script, not with the cluster.
  keep "$1" >/dev/null 2>&1 &
  pids[$1]=$!
}

# The program is a child of `tiphys dev exec`, which is a child of keep.
stop() {
  local exec_pid pid
  touch "$logs/$1.stop"
  for exec_pid in $(ps -o pid= --ppid "${pids[$1]}"); do
    for pid in $(ps -o pid= --ppid "$exec_pid"); do kill "$pid" 2>/dev/null || true; done
  done
  wait "${pids[$1]}" 2>/dev/null || true
}

down() {
  trap - EXIT INT TERM
  say "stopping"
  for program in kube-proxy kubelet kube-scheduler kube-controller-manager kube-apiserver containerd etcd; do
    [[ -n ${pids[$program]:-} ]] && stop "$program"
  done
  "$tiphys" dev down --name "$name" ${PURGE:+--purge}
}

# wait_for WHAT COMMAND...: until it succeeds, a minute at most.
wait_for() {
  local what=$1 i
  shift
  for ((i = 0; i < 300; i++)); do
    if "$@" >/dev/null 2>&1; then say "$what"; return; fi
    sleep 0.2
  done
  say "still waiting for: $what (logs are in $logs)"
  return 1
}

trap down EXIT INT TERM
api=https://$NODE_IP:6443
pki=$DATA_DIR/pki
ask() { curl --silent --fail --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" "$api$1"; }

start etcd
start containerd
wait_for "etcd listens" inside bash -c '</dev/tcp/127.0.0.1/2379'
start kube-apiserver
wait_for "kube-apiserver is ready" ask /readyz
wait_for "containerd listens" inside test -S /run/tiphys/containerd/containerd.sock
for archive in "$root"/_output/bundled/*.tar; do
  [[ -e $archive ]] && "$tiphys" image import --name "$name" "$archive" >/dev/null
done
for program in kube-controller-manager kube-scheduler kubelet kube-proxy; do start "$program"; done
wait_for "the node is Ready" bash -c "
  KUBECONFIG='$KUBECONFIG' '$tiphys' kubectl wait --for=condition=Ready node/$name --timeout=1s"

cat <<DONE

The cluster runs as separate processes; logs are in $logs.
  export KUBECONFIG=$KUBECONFIG
  $tiphys kubectl get nodes
DONE
if [[ -n ${KEEP:-} ]]; then
  trap - EXIT INT TERM
  say "left running: stop it with \`$tiphys dev down --name $name\`"
  exit 0
fi
say "Ctrl-C stops it"
# Any of the keepers ending is worth ending for: they end only when told to.
wait -n || true
