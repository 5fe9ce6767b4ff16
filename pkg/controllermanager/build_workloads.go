package controllermanager

import (
	"tiphys.dev/tiphys/pkg/controller/deployment"
	"tiphys.dev/tiphys/pkg/controller/replicaset"
	"tiphys.dev/tiphys/pkg/controller/replicationcontroller"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

func buildReplicaSet(d *deps) (lifecycle.Runner, error) {
	sets := d.informers.Apps().V1().ReplicaSets()
	return runs(replicaset.New(replicaset.Config{Name: "replicaset", Kind: replicaset.ReplicaSets(d.client, sets.Informer(), sets.Lister()),
		Client: d.client, Pods: d.informers.Core().V1().Pods().Informer(), Events: d.events,
		Workers: int(d.settings.ReplicaSetController.ConcurrentRSSyncs), Metrics: d.queues, Clock: d.clock}))
}

func buildReplicationController(d *deps) (lifecycle.Runner, error) {
	sets := d.informers.Core().V1().ReplicationControllers()
	return runs(replicaset.New(replicaset.Config{Name: "replicationmanager", Kind: replicationcontroller.Kind(d.client, sets.Informer(), sets.Lister()),
		Client: d.client, Pods: d.informers.Core().V1().Pods().Informer(), Events: d.events,
		Workers: int(d.settings.ReplicationController.ConcurrentRCSyncs), Metrics: d.queues, Clock: d.clock}))
}

func buildDeployment(d *deps) (lifecycle.Runner, error) {
	apps := d.informers.Apps().V1()
	return runs(deployment.New(deployment.Config{Client: d.client, Deployments: apps.Deployments(), ReplicaSets: apps.ReplicaSets(), Events: d.events,
		Workers: int(d.settings.DeploymentController.ConcurrentDeploymentSyncs), Metrics: d.queues, Clock: d.clock}))
}
