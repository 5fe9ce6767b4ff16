#!/bin/bash
# Tries the verbs of kubectl on a development cluster, each with a check of its effect: verbs.sh KUBECTL PORT CLUSTER [FOLDER]
# PORT is four digits; the local ports 1PORT and 2PORT must be free. The images of test/images must have been imported.
# Ends with the numbers of passed and failed ones, and with 1 when one failed.
set -o nounset
K=$1; NS=verbs-$2; D=${4:-$(mktemp -d)}
export KUBECONFIG=/var/lib/tiphys/dev/$3/kubeconfig/admin.kubeconfig
pass=0; fail=0
t() { local n=$1; shift; if out=$(timeout 60 bash -c "$*" 2>&1); then pass=$((pass+1)); else fail=$((fail+1)); echo "FAIL $n: $(echo "$out" | tail -3)"; fi; }
$K create ns $NS >/dev/null
cat > $D/verbs-$2.yaml <<Y
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {index.html: "hello"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: c
        image: registry.k8s.io/e2e-test-images/agnhost:2.63.0
        args: [netexec, --http-port=8080]
        stdin: true
        ports: [{containerPort: 8080}]
        readinessProbe: {httpGet: {path: /hostname, port: 8080}, periodSeconds: 1}
        volumeMounts: [{name: v, mountPath: /data}]
      volumes: [{name: v, configMap: {name: page}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
Y
k="$K -n $NS"; F=$D/verbs-$2.yaml
t apply-client "$k apply -f $F"
t rollout-status "$k rollout status deploy/web --timeout=50s"
t apply-server "$k apply --server-side --force-conflicts -f $F"
t get-wide "$k get pods -o wide | grep Running"
t get-yaml "$k get deploy web -o yaml | grep replicas"
t get-json "$k get svc web -o json | grep clusterIP"
t get-w "(timeout 5 $k get pods -w; true) | grep web"
t describe "$k describe pod -l app=web | grep -iE 'started'"
P=$($k get pods -o name | head -1); P=${P#pod/}
t logs "$k logs $P | grep -iE 'listening|started|serv'"
t logs-f "(timeout 4 $k logs -f $P; true) | grep -i ."
t exec "$k exec -i $P -- cat /data/index.html | grep hello"
t exec-it "script -qec '$k exec -it $P -- echo tty-ok' /dev/null | grep tty-ok"
t attach "(timeout 4 $k attach $P; true) 2>&1 | grep -iv 'error'"
t cp "echo copied > $D/cp-$2; $k cp $D/cp-$2 $P:/tmp/x && $k exec $P -- cat /tmp/x | grep copied && $k cp $P:/tmp/x $D/cpb-$2 && grep copied $D/cpb-$2"
t port-forward "$k port-forward $P 1$2:8080 >$D/pf-$2 2>&1 & p=\$!; for i in 1 2 3 4 5 6 7 8 9 10; do grep -q Forwarding $D/pf-$2 && break; sleep .3; done; curl -sf http://127.0.0.1:1$2/hostname; r=\$?; kill \$p; exit \$r"
t proxy "$k proxy --port=2$2 >$D/px-$2 2>&1 & p=\$!; for i in 1 2 3 4 5 6 7 8 9 10; do grep -q Starting $D/px-$2 && break; sleep .3; done; curl -sf http://127.0.0.1:2$2/api/v1/namespaces/$NS/services/web/proxy/hostname | grep web; r=\$?; kill \$p; exit \$r"
t edit "EDITOR='sed -i s/hello/edited/' $k edit cm page && $k get cm page -o yaml | grep edited"
t diff "$k diff -f $F; [ \$? -le 1 ]"
t label "$k label cm page a=b && $k get cm -l a=b | grep page"
t annotate "$k annotate cm page x=y"
t scale "$k scale deploy/web --replicas=3 && $k rollout status deploy/web --timeout=50s"
t set-image "$k set image deploy/web c=registry.k8s.io/e2e-test-images/agnhost:2.63.0"
t set-env "$k set env deploy/web A=1 && $k rollout status deploy/web --timeout=50s"
t rollout-history "$k rollout history deploy/web | grep -E '^2'"
t rollout-undo "$k rollout undo deploy/web && $k rollout status deploy/web --timeout=50s"
t rollout-restart "$k rollout restart deploy/web && $k rollout status deploy/web --timeout=50s"
t wait "$k wait --for=condition=Available deploy/web --timeout=30s"
t explain "$k explain deployment.spec.strategy.rollingUpdate.maxSurge | grep -i maximum"
t api-resources "$k api-resources | grep -c . | awk '{exit !(\$1>50)}'"
t api-versions "$k api-versions | grep apps/v1"
t can-i "$k auth can-i create pods | grep yes"
t can-i-as "$k auth can-i create pods --as=nobody | grep no"
t whoami "$k auth whoami | grep -i admin"
t token "$k create token default | grep -E '^ey'"
t events "$k get events | grep -iE 'pulled|started'"
t events2 "$k events | grep -i started"
t run "$k run one --image=registry.k8s.io/pause:3.10.2 && $k wait --for=condition=Ready pod/one --timeout=30s"
t debug "$k debug one --image=registry.k8s.io/e2e-test-images/agnhost:2.63.0 -- /agnhost pause"
t patch "$k patch deploy web -p '{\"spec\":{\"replicas\":1}}'"
t autoscale "$k autoscale deploy web --max=3"
t top-absent "! $k top pods"
t taint "$K taint node --all verbs-$2=x:PreferNoSchedule && $K taint node --all verbs-$2-"
t cordon "$K cordon $3 && $K uncordon $3"
t cluster-info "$K cluster-info | grep running"
t delete "$k delete -f $F --wait --timeout=40s && $k delete pod one --wait --timeout=30s"
t delete-ns "$K delete ns $NS --wait --timeout=50s"
echo "$K: $pass passed, $fail failed"
[[ $fail == 0 ]]
