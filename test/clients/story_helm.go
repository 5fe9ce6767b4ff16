package clients

// helm is the life of a release, with what goes wrong in one. The flags of the third and the fourth major version differ: force replaces
// what cannot be patched, and undo takes a failed release back.
func helm(name, force, undo string, more ...step) story {
	upgrade := "helm upgrade web charts/web -n apps --reset-values --timeout 60s "
	install := "helm install other charts/web -n others --create-namespace --skip-crds --set workloads=false --timeout 60s "
	steps := []step{
		{"version", "helm version --short"},
		{"render for a server", "helm template web charts/web -n apps --validate --include-crds"},
		{"dry run", "helm install web charts/web -n apps --create-namespace --dry-run=server"},
		{"install", "helm install web charts/web -n apps --create-namespace --wait --timeout 90s"},
		{"install again", "helm install web charts/web -n apps"},
		{"list", "helm list -A; helm list -A -o json; helm list -n apps --filter w --failed"},
		{"status", "helm status web -n apps | sed /^RESOURCES/,/^NOTES/d; helm status nobody -n apps"},
		{"get", "helm get all web -n apps; helm get metadata web -n apps; helm get hooks web -n apps"},
		{"test", "helm test web -n apps --timeout 60s"},
		{"test with logs", "helm test web -n apps --logs --timeout 60s"},
		{"nothing new", upgrade},
		{"upgrade", upgrade + "--set colour=red,replicas=3 --wait"},
		{"dry upgrade", upgrade + "--set colour=blue,replicas=3 --dry-run=server"},
		{"drift", `kubectl -n apps scale deployment web --replicas 7
kubectl -n apps annotate deployment web by=hand
kubectl -n apps patch service web --type json -p '[{"op":"add","path":"/spec/ports/-","value":{"name":"extra","port":99}}]'
kubectl -n apps patch configmap web-settings -p '{"data":{"colour":"green","own":"1"}}'
kubectl -n apps delete cronjob web-night
kubectl -n apps label pdb web app.kubernetes.io/managed-by-`},
		{"upgrade after drift", upgrade + "--set colour=blue,replicas=3"},
		{"shrink a widget", upgrade + "--set replicas=1"},
		{"immutable selector", upgrade + "--set replicas=3,selector=else"},
		{"node port", upgrade + "--set replicas=3,serviceType=NodePort --wait"},
		{"load balancer", upgrade + "--set replicas=3,serviceType=LoadBalancer --wait"},
		{"back to a cluster IP", upgrade + "--set replicas=3"},
		{"external name", upgrade + "--set replicas=3,serviceType=ExternalName"},
		{"history", "helm history web -n apps; helm history web -n apps -o json --max 3"},
		{"roll back", "helm rollback web 2 -n apps --wait --timeout 60s"},
		{"roll back to nothing", "helm rollback web 99 -n apps"},
		{"replaced by force", upgrade + force + " --set replicas=3,colour=red"},
		{"undone", upgrade + undo + " --set replicas=3,break=value"},
		{"long name of a manager", "kubectl -n apps apply --server-side --field-manager=someone --force-conflicts -f - <<< '{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"web-settings\"},\"data\":{\"colour\":\"grey\"}}'"},
		{"upgrade what another owns", upgrade + "--set replicas=3,colour=blue"},
		{"not mine", "kubectl create namespace others; kubectl -n others create configmap other-settings; " + install},
		{"taken over", install + " --take-ownership"},
		{"two of one name", "helm install web charts/web -n others --skip-crds --set workloads=false --timeout 20s"},
	}
	for _, what := range []string{"field", "value", "type", "name", "kind", "version", "namespace", "rule", "cel", "quota", "deprecated", "secret", "escalate"} {
		steps = append(steps,
			step{"dry " + what, upgrade + "--dry-run=server --set replicas=3,break=" + what},
			step{"broken " + what, upgrade + "--set replicas=3,break=" + what},
			step{"mended " + what, upgrade + "--set replicas=3"},
			step{"install with broken " + what, "helm install b-" + what + " charts/web -n b-" + what + " --create-namespace --skip-crds --no-hooks --set workloads=false,break=" + what},
		)
	}
	steps = append(steps, more...)
	steps = append(steps,
		step{"uninstall", "helm uninstall web -n apps --wait --timeout 60s"},
		step{"uninstall again", "helm uninstall web -n apps"},
		step{"keep history", "helm uninstall other -n others --keep-history; helm list -n others --uninstalled; helm history other -n others"},
		step{"in the foreground", "helm install back charts/web -n apps --skip-crds --wait --timeout 60s && helm uninstall back -n apps --cascade foreground --wait --timeout 60s"},
		step{"delete namespaces", "kubectl delete namespace apps others"},
	)
	return story{name: name, steps: steps}
}

// serverSide is what only the fourth version does: server-side apply, and going over to it.
func serverSide() []step {
	up := "helm upgrade web charts/web -n apps --reset-values --timeout 60s "
	return []step{
		{"apply on the client's side", up + "--server-side=false --set replicas=3,colour=red"},
		{"apply on the server's side", up + "--server-side=true --set replicas=4,colour=blue"},
		{"drift of the other kind", "kubectl -n apps scale deployment web --replicas 8; kubectl -n apps apply --server-side --force-conflicts --field-manager=other -f - <<< '{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"web-settings\"},\"data\":{\"colour\":\"black\"}}'"},
		{"conflict", up + "--server-side=true --set replicas=5,colour=red"},
		{"conflict by force", up + "--server-side=true --force-conflicts --set replicas=5,colour=red"},
		{"roll back on the client's side", "helm rollback web -n apps --server-side=false --timeout 60s"},
		{"roll back on the server's side", "helm rollback web -n apps --server-side=true --force-conflicts --timeout 60s"},
		{"wait for jobs", up + "--server-side=true --force-conflicts --wait --wait-for-jobs --set replicas=5"},
		{"wait the old way", up + "--server-side=true --force-conflicts --wait=legacy --set replicas=5,colour=red"},
	}
}
