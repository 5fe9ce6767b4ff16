package apirules

import (
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tiphys.dev/apirules/apps/statefulset"
	"tiphys.dev/apirules/batch/job"
	"tiphys.dev/apirules/core/persistentvolumeclaim"
	"tiphys.dev/apirules/core/pod"
	"tiphys.dev/apirules/core/podspec"
	"tiphys.dev/apirules/core/service"
)

// Stand-ins for what only a server can choose.
const (
	standInUID    = "00000000-0000-0000-0000-000000000000"
	standInSuffix = "xxxxx"
	// longestBase is how much of generateName goes into a name.
	longestBase = 63 - len(standInSuffix)
)

func prepareMetadata(o Object, inNamespace bool) {
	o.SetUID(standInUID)
	o.SetCreationTimestamp(metav1.Time{})
	o.SetDeletionTimestamp(nil)
	o.SetDeletionGracePeriodSeconds(nil)
	o.SetSelfLink("")
	if base := o.GetGenerateName(); o.GetName() == "" && base != "" {
		o.SetName(base[:min(len(base), longestBase)] + standInSuffix)
	}
	switch {
	case !inNamespace:
		o.SetNamespace("")
	case o.GetNamespace() == "":
		o.SetNamespace(metav1.NamespaceDefault)
	}
}

// resetStatus clears the field of that name, if there is one.
func resetStatus(o Object) {
	if status := reflect.ValueOf(o).Elem().FieldByName("Status"); status.IsValid() {
		status.SetZero()
	}
}

func preparePod(o *corev1.Pod) {
	podspec.DropDisabled(&o.Spec, nil)
	pod.NormalizeGracePeriod(&o.Spec)
}

func preparePodTemplate(o *corev1.PodTemplate) { podspec.DropDisabled(&o.Template.Spec, nil) }

func prepareReplicationController(o *corev1.ReplicationController) {
	if o.Spec.Template != nil {
		podspec.DropDisabled(&o.Spec.Template.Spec, nil)
	}
}

func prepareDaemonSet(o *appsv1.DaemonSet) { podspec.DropDisabled(&o.Spec.Template.Spec, nil) }

func prepareDeployment(o *appsv1.Deployment) { podspec.DropDisabled(&o.Spec.Template.Spec, nil) }

func prepareReplicaSet(o *appsv1.ReplicaSet) { podspec.DropDisabled(&o.Spec.Template.Spec, nil) }

func prepareStatefulSet(o *appsv1.StatefulSet) {
	podspec.DropDisabled(&o.Spec.Template.Spec, nil)
	statefulset.DropDisabled(o, nil)
}

func prepareCronJob(o *batchv1.CronJob) {
	podspec.DropDisabled(&o.Spec.JobTemplate.Spec.Template.Spec, nil)
}

func prepareJob(o *batchv1.Job) {
	podspec.DropDisabled(&o.Spec.Template.Spec, nil)
	job.GenerateSelector(o)
}

func prepareService(o *corev1.Service) { service.NormalizeClusterIPs(o, nil) }

func preparePersistentVolumeClaim(o *corev1.PersistentVolumeClaim) {
	persistentvolumeclaim.DropDataSources(&o.Spec, nil)
	persistentvolumeclaim.NormalizeDataSources(&o.Spec)
}

// prepareServiceAccount keeps the names of secrets only.
func prepareServiceAccount(o *corev1.ServiceAccount) {
	for i := range o.Secrets {
		o.Secrets[i] = corev1.ObjectReference{Name: o.Secrets[i].Name}
	}
}

// prepareLease drops fields of a feature that is off.
func prepareLease(o *coordinationv1.Lease) { o.Spec.Strategy, o.Spec.PreferredHolder = nil, nil }

// prepareCertificateSigningRequest drops who asks: that is whom the server saw.
func prepareCertificateSigningRequest(o *certificatesv1.CertificateSigningRequest) {
	o.Spec.Username, o.Spec.UID, o.Spec.Groups, o.Spec.Extra = "", "", nil, nil
}
