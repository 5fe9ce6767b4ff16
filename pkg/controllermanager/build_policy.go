package controllermanager

import (
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/restmapper"

	"tiphys.dev/tiphys/pkg/controller/devicetainteviction"
	"tiphys.dev/tiphys/pkg/controller/policystatus"
	"tiphys.dev/tiphys/pkg/controller/resourceclaim"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

// buildPolicyStatus checks against the schemas that the API server itself publishes.
func buildPolicyStatus(d *deps) (lifecycle.Runner, error) {
	disco, err := d.discovery()
	if err != nil {
		return nil, err
	}
	checker := &validating.TypeChecker{SchemaResolver: &resolver.ClientDiscoveryResolver{Discovery: disco},
		RestMapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco))}
	return runs(policystatus.New(policystatus.Config{Client: d.client, Policies: d.informers.Admissionregistration().V1().ValidatingAdmissionPolicies(),
		Check: checker.Check, Workers: int(d.settings.ValidatingAdmissionPolicyStatusController.ConcurrentPolicySyncs), Metrics: d.queues}))
}

func buildResourceClaim(d *deps) (lifecycle.Runner, error) {
	dra := d.informers.Resource().V1()
	return runs(resourceclaim.New(resourceclaim.Config{Client: d.client, Pods: d.informers.Core().V1().Pods(), Claims: dra.ResourceClaims(), Templates: dra.ResourceClaimTemplates(),
		Events: d.events, Creates: d.manager.counters.resourceClaims, Workers: int(d.settings.ResourceClaimController.ConcurrentSyncs), Metrics: d.queues, Clock: d.clock}))
}

func buildDeviceTaintEviction(d *deps) (lifecycle.Runner, error) {
	dra := d.informers.Resource().V1()
	return runs(devicetainteviction.New(devicetainteviction.Config{Client: d.client, Pods: d.informers.Core().V1().Pods(), Claims: dra.ResourceClaims(), Slices: dra.ResourceSlices(),
		Events: d.events, Workers: int(d.settings.DeviceTaintEvictionController.ConcurrentSyncs), Metrics: d.queues, Clock: d.clock}))
}
