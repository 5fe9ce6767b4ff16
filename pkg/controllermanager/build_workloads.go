package controllermanager

import (
	"tiphys.dev/tiphys/pkg/controller/clusterrole"
	"tiphys.dev/tiphys/pkg/controller/cronjob"
	"tiphys.dev/tiphys/pkg/controller/daemonset"
	"tiphys.dev/tiphys/pkg/controller/deployment"
	"tiphys.dev/tiphys/pkg/controller/disruption"
	"tiphys.dev/tiphys/pkg/controller/job"
	"tiphys.dev/tiphys/pkg/controller/replicaset"
	"tiphys.dev/tiphys/pkg/controller/replicationcontroller"
	"tiphys.dev/tiphys/pkg/controller/statefulset"
	"tiphys.dev/tiphys/pkg/controller/ttlafterfinished"
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

func buildJob(d *deps) (lifecycle.Runner, error) {
	return runs(job.New(job.Config{Client: d.client, Jobs: d.informers.Batch().V1().Jobs(), Pods: d.informers.Core().V1().Pods(), Events: d.events,
		Workers: int(d.settings.JobController.ConcurrentJobSyncs), Metrics: d.queues, Clock: d.clock}))
}

func buildTTLAfterFinished(d *deps) (lifecycle.Runner, error) {
	return runs(ttlafterfinished.New(ttlafterfinished.Config{Client: d.client, Jobs: d.informers.Batch().V1().Jobs(),
		Workers: int(d.settings.TTLAfterFinishedController.ConcurrentTTLSyncs), Metrics: d.queues, Clock: d.clock}))
}

func buildClusterRole(d *deps) (lifecycle.Runner, error) {
	return runs(clusterrole.New(clusterrole.Config{Client: d.client, Roles: d.informers.Rbac().V1().ClusterRoles(), Metrics: d.queues}))
}

func buildCronJob(d *deps) (lifecycle.Runner, error) {
	batch := d.informers.Batch().V1()
	return runs(cronjob.New(cronjob.Config{Client: d.client, CronJobs: batch.CronJobs(), Jobs: batch.Jobs(), Events: d.events,
		Workers: int(d.settings.CronJobController.ConcurrentCronJobSyncs), Metrics: d.queues, Clock: d.clock}))
}

func buildDaemonSet(d *deps) (lifecycle.Runner, error) {
	apps, core := d.informers.Apps().V1(), d.informers.Core().V1()
	return runs(daemonset.New(daemonset.Config{Client: d.client, Sets: apps.DaemonSets(), Revisions: apps.ControllerRevisions(), Pods: core.Pods(), Nodes: core.Nodes(),
		Events: d.events, Workers: int(d.settings.DaemonSetController.ConcurrentDaemonSetSyncs), Metrics: d.queues, Clock: d.clock}))
}

func buildStatefulSet(d *deps) (lifecycle.Runner, error) {
	apps, core := d.informers.Apps().V1(), d.informers.Core().V1()
	return runs(statefulset.New(statefulset.Config{Client: d.client, Sets: apps.StatefulSets(), Revisions: apps.ControllerRevisions(), Pods: core.Pods(),
		Claims: core.PersistentVolumeClaims(), Events: d.events, Workers: int(d.settings.StatefulSetController.ConcurrentStatefulSetSyncs),
		Metrics: d.queues, Clock: d.clock}))
}

func buildDisruption(d *deps) (lifecycle.Runner, error) {
	scales, err := d.scaler()
	if err != nil {
		return nil, err
	}
	apps, core := d.informers.Apps().V1(), d.informers.Core().V1()
	return runs(disruption.New(disruption.Config{Client: d.client, Budgets: d.informers.Policy().V1().PodDisruptionBudgets(), Pods: core.Pods(),
		Controllers: core.ReplicationControllers(), ReplicaSets: apps.ReplicaSets(), Deployments: apps.Deployments(), StatefulSets: apps.StatefulSets(),
		Scale: scales.replicas, Events: d.events, Metrics: d.queues, Clock: d.clock}))
}
