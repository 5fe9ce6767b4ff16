package clients

// suite is the tests of another project that start an API server of their own (KUBEBUILDER_ASSETS says which) and judge its answers.
type suite struct {
	// name is that of its folder in modules.
	name string
	// path is the Go module, at the version that the folder pins.
	path string
	// packages hold the tests, relative to the module.
	packages []string
}

// suites lists who judges. All of them need etcd, kube-apiserver and kubectl and nothing else; what wants the network fails on both sides.
var suites = []suite{
	{name: "controller-runtime", path: "sigs.k8s.io/controller-runtime", packages: controllerRuntime},
	{name: "fluxcd-ssa", path: "github.com/fluxcd/pkg/ssa", packages: []string{".", "jsondiff"}},
	{name: "kro", path: "github.com/kubernetes-sigs/kro", packages: []string{"test/integration/suites/core"}},
}

var controllerRuntime = []string{
	"pkg/client", "pkg/client/apiutil", "pkg/cluster", "pkg/controller", "pkg/controller/controllerutil", "pkg/builder", "pkg/handler",
	"pkg/internal/controller", "pkg/internal/recorder", "pkg/manager/internal/integration", "pkg/metrics/filters", "pkg/reconcile", "pkg/source",
	"pkg/webhook", "pkg/envtest", "pkg/manager", "pkg/cache",
}
