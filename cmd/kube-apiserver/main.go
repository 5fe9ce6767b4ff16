// Command kube-apiserver serves the Kubernetes API. It takes the flags of upstream's binary of that name and can take its
// place.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // what the server's own clients do
	_ "k8s.io/component-base/metrics/prometheus/version"  // kubernetes_build_info
)

func main() {
	os.Exit(cli.Run(newCommand()))
}
