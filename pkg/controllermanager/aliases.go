package controllermanager

import "slices"

// aliases are former names that --controllers still takes.
var aliases = map[string]string{
	"serviceaccount-token":                 "serviceaccount-token-controller",
	"endpoint":                             "endpoints-controller",
	"endpointslice":                        "endpointslice-controller",
	"endpointslicemirroring":               "endpointslice-mirroring-controller",
	"replicationcontroller":                "replicationcontroller-controller",
	"podgc":                                "pod-garbage-collector-controller",
	"resourcequota":                        "resourcequota-controller",
	"namespace":                            "namespace-controller",
	"serviceaccount":                       "serviceaccount-controller",
	"garbagecollector":                     "garbage-collector-controller",
	"daemonset":                            "daemonset-controller",
	"job":                                  "job-controller",
	"deployment":                           "deployment-controller",
	"replicaset":                           "replicaset-controller",
	"horizontalpodautoscaling":             "horizontal-pod-autoscaler-controller",
	"disruption":                           "disruption-controller",
	"statefulset":                          "statefulset-controller",
	"cronjob":                              "cronjob-controller",
	"csrsigning":                           "certificatesigningrequest-signing-controller",
	"csrapproving":                         "certificatesigningrequest-approving-controller",
	"csrcleaner":                           "certificatesigningrequest-cleaner-controller",
	"ttl":                                  "ttl-controller",
	"bootstrapsigner":                      "bootstrap-signer-controller",
	"tokencleaner":                         "token-cleaner-controller",
	"nodeipam":                             "node-ipam-controller",
	"nodelifecycle":                        "node-lifecycle-controller",
	"service":                              "service-lb-controller",
	"route":                                "node-route-controller",
	"cloud-node-lifecycle":                 "cloud-node-lifecycle-controller",
	"persistentvolume-binder":              "persistentvolume-binder-controller",
	"attachdetach":                         "persistentvolume-attach-detach-controller",
	"persistentvolume-expander":            "persistentvolume-expander-controller",
	"clusterrole-aggregation":              "clusterrole-aggregation-controller",
	"pvc-protection":                       "persistentvolumeclaim-protection-controller",
	"pv-protection":                        "persistentvolume-protection-controller",
	"ttl-after-finished":                   "ttl-after-finished-controller",
	"root-ca-cert-publisher":               "root-ca-certificate-publisher-controller",
	"ephemeral-volume":                     "ephemeral-volume-controller",
	"storage-version-gc":                   "storageversion-garbage-collector-controller",
	"resource-claim-controller":            "resourceclaim-controller",
	"legacy-service-account-token-cleaner": "legacy-serviceaccount-token-cleaner-controller",
	"validatingadmissionpolicy-status":     "validatingadmissionpolicy-status-controller",
}

// Aliases maps former names to present ones, for help texts.
func Aliases() map[string]string { return aliases }

func canonical(name string) string {
	if to, ok := aliases[name]; ok {
		return to
	}
	return name
}

// Names are all controllers of the catalog, sorted.
func Names() []string { return namesWhere(func(entry) bool { return true }) }

// OffByDefault are the controllers that "*" does not mean.
func OffByDefault() []string { return namesWhere(func(e entry) bool { return e.offByDefault }) }

// NotBuilt are the controllers that this version does not have.
func NotBuilt() []string { return namesWhere(func(e entry) bool { return e.build == nil }) }

func namesWhere(keep func(entry) bool) []string {
	var names []string
	for _, e := range catalog() {
		if keep(e) {
			names = append(names, e.name)
		}
	}
	slices.Sort(names)
	return names
}
