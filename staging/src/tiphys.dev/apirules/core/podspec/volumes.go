package podspec

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/persistentvolumeclaim"
	"tiphys.dev/apirules/core/volumesource"
)

// validateVolumes checks the volumes and returns them by name, for mounts to refer to.
func validateVolumes(volumes []v1.Volume, meta *metav1.ObjectMeta, path *field.Path, opts Options) (map[string]v1.VolumeSource, field.ErrorList) {
	var errs field.ErrorList
	byName := make(map[string]v1.VolumeSource, len(volumes))
	claims, generated := sets.New[string](), sets.New[string]()
	for i := range volumes {
		if c := volumes[i].PersistentVolumeClaim; c != nil {
			claims.Insert(c.ClaimName)
		}
	}
	for i := range volumes {
		v, at := &volumes[i], path.Index(i)
		wrong := validateVolumeSource(v, meta, at, opts)
		if v.Name == "" {
			wrong = append(wrong, field.Required(at.Child("name"), ""))
		} else {
			wrong = append(wrong, check.DNSLabel(at.Child("name"), v.Name)...)
		}
		if _, twice := byName[v.Name]; twice {
			wrong = append(wrong, field.Duplicate(at.Child("name"), v.Name))
		}
		if len(wrong) > 0 {
			errs = append(errs, wrong...)
		} else {
			byName[v.Name] = v.VolumeSource
		}
		if v.Ephemeral != nil && meta != nil && meta.Name != "" {
			if name := meta.Name + "-" + v.Name; claims.Has(name) || generated.Has(name) {
				errs = append(errs, field.Duplicate(path.Index(i), fmt.Sprintf("PersistentVolumeClaim %q", name)))
			} else {
				generated.Insert(name)
			}
		}
	}
	return byName, errs
}

// sourceRule is one of the places a volume may come from: the name of its field and what it must obey.
type sourceRule struct {
	child string
	set   func(*v1.VolumeSource) bool
	rule  func(*v1.VolumeSource, *field.Path, Options) field.ErrorList
}

func validateVolumeSource(v *v1.Volume, meta *metav1.ObjectMeta, path *field.Path, opts Options) field.ErrorList {
	var errs field.ErrorList
	given := 0
	for i := range sourceRules {
		r := &sourceRules[i]
		if !r.set(&v.VolumeSource) {
			continue
		}
		if given++; given > 1 {
			errs = append(errs, field.Forbidden(path.Child(oddlyNamed(r.child)), "may not specify more than 1 volume type"))
			continue
		}
		errs = append(errs, r.rule(&v.VolumeSource, path.Child(r.child), opts)...)
	}
	if given == 0 {
		errs = append(errs, field.Required(path, "must specify a volume type"))
	}
	return append(errs, validateGeneratedClaimName(v, meta, path)...)
}

// The claim of an ephemeral volume is named after pod and volume, which may make too long a name.
func validateGeneratedClaimName(v *v1.Volume, meta *metav1.ObjectMeta, path *field.Path) field.ErrorList {
	if v.Ephemeral == nil || meta == nil || meta.Name == "" || v.Name == "" {
		return nil
	}
	var errs field.ErrorList
	name := meta.Name + "-" + v.Name
	for _, m := range apivalidation.NameIsDNSSubdomain(name, false) {
		errs = append(errs, field.Invalid(path.Child("name"), v.Name, fmt.Sprintf("PVC name %q: %v", name, m)))
	}
	return errs
}

// sourceRules lists them in the order in which the first one counts and the others are too many.
var sourceRules = []sourceRule{
	{"emptyDir", func(s *v1.VolumeSource) bool { return s.EmptyDir != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return validateEmptyDir(s.EmptyDir, p)
	}},
	{"hostPath", func(s *v1.VolumeSource) bool { return s.HostPath != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.HostPath(s.HostPath, p)
	}},
	{"gitRepo", func(s *v1.VolumeSource) bool { return s.GitRepo != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return validateGitRepo(s.GitRepo, p)
	}},
	{"gcePersistentDisk", func(s *v1.VolumeSource) bool { return s.GCEPersistentDisk != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.GCEPersistentDisk(s.GCEPersistentDisk, p)
	}},
	{"awsElasticBlockStore", func(s *v1.VolumeSource) bool { return s.AWSElasticBlockStore != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.AWSElasticBlockStore(s.AWSElasticBlockStore, p)
	}},
	{"secret", func(s *v1.VolumeSource) bool { return s.Secret != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return validateSecretSource(s.Secret, p)
	}},
	{"nfs", func(s *v1.VolumeSource) bool { return s.NFS != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.NFS(s.NFS, p)
	}},
	{"iscsi", func(s *v1.VolumeSource) bool { return s.ISCSI != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return iscsi(s.ISCSI).Validate(p)
	}},
	{"glusterfs", func(s *v1.VolumeSource) bool { return s.Glusterfs != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.Glusterfs(s.Glusterfs.EndpointsName, s.Glusterfs.Path, p)
	}},
	{"flocker", func(s *v1.VolumeSource) bool { return s.Flocker != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return validateFlocker(s.Flocker, p)
	}},
	{"persistentVolumeClaim", func(s *v1.VolumeSource) bool { return s.PersistentVolumeClaim != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		if s.PersistentVolumeClaim.ClaimName == "" {
			return field.ErrorList{field.Required(p.Child("claimName"), "")}
		}
		return nil
	}},
	{"rbd", func(s *v1.VolumeSource) bool { return s.RBD != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.RBD(s.RBD.CephMonitors, s.RBD.RBDImage, p)
	}},
	{"cinder", func(s *v1.VolumeSource) bool { return s.Cinder != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.Cinder(s.Cinder.VolumeID, p)
	}},
	{"cephfs", func(s *v1.VolumeSource) bool { return s.CephFS != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.CephFS(s.CephFS.Monitors, p)
	}},
	{"quobyte", func(s *v1.VolumeSource) bool { return s.Quobyte != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.Quobyte(s.Quobyte, p)
	}},
	{"downwardAPI", func(s *v1.VolumeSource) bool { return s.DownwardAPI != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return validateDownwardSource(s.DownwardAPI, p)
	}},
	{"fc", func(s *v1.VolumeSource) bool { return s.FC != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList { return volumesource.FC(s.FC, p) }},
	{"flexVolume", func(s *v1.VolumeSource) bool { return s.FlexVolume != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.FlexDriver(s.FlexVolume.Driver, s.FlexVolume.Options, p)
	}},
	{"configMap", func(s *v1.VolumeSource) bool { return s.ConfigMap != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return validateConfigMapSource(s.ConfigMap, p)
	}},
	{"azureFile", func(s *v1.VolumeSource) bool { return s.AzureFile != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.AzureFile(s.AzureFile.SecretName, s.AzureFile.ShareName, p)
	}},
	{"vsphereVolume", func(s *v1.VolumeSource) bool { return s.VsphereVolume != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.VsphereVolume(s.VsphereVolume, p)
	}},
	{"photonPersistentDisk", func(s *v1.VolumeSource) bool { return s.PhotonPersistentDisk != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.PhotonPersistentDisk(s.PhotonPersistentDisk, p)
	}},
	{"portworxVolume", func(s *v1.VolumeSource) bool { return s.PortworxVolume != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.PortworxVolume(s.PortworxVolume, p)
	}},
	{"azureDisk", func(s *v1.VolumeSource) bool { return s.AzureDisk != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.AzureDisk(s.AzureDisk, p)
	}},
	{"storageos", func(s *v1.VolumeSource) bool { return s.StorageOS != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return validateStorageOS(s.StorageOS, p)
	}},
	{"projected", func(s *v1.VolumeSource) bool { return s.Projected != nil }, func(s *v1.VolumeSource, p *field.Path, opts Options) field.ErrorList {
		return validateProjected(s.Projected, p, opts)
	}},
	{"scaleIO", func(s *v1.VolumeSource) bool { return s.ScaleIO != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.ScaleIO(s.ScaleIO.Gateway, s.ScaleIO.System, s.ScaleIO.VolumeName, p)
	}},
	{"csi", func(s *v1.VolumeSource) bool { return s.CSI != nil }, func(s *v1.VolumeSource, p *field.Path, _ Options) field.ErrorList {
		return volumesource.CSI(s.CSI, p)
	}},
	{"ephemeral", func(s *v1.VolumeSource) bool { return s.Ephemeral != nil }, func(s *v1.VolumeSource, p *field.Path, opts Options) field.ErrorList {
		return validateEphemeral(s.Ephemeral, p, opts)
	}},
	{"image", func(s *v1.VolumeSource) bool { return s.Image != nil }, func(s *v1.VolumeSource, p *field.Path, opts Options) field.ErrorList {
		return validateImageSource(s.Image, p, opts)
	}},
}

func iscsi(s *v1.ISCSIVolumeSource) volumesource.ISCSI {
	out := volumesource.ISCSI{TargetPortal: s.TargetPortal, IQN: s.IQN, Lun: s.Lun, InitiatorName: s.InitiatorName,
		SessionCHAPAuth: s.SessionCHAPAuth, DiscoverCHAP: s.DiscoveryCHAPAuth, HasSecret: s.SecretRef != nil}
	if s.SecretRef != nil {
		out.SecretName = s.SecretRef.Name
	}
	return out
}

func validateEmptyDir(s *v1.EmptyDirVolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.SizeLimit != nil && s.SizeLimit.Sign() < 0 {
		errs = append(errs, field.Forbidden(path.Child("sizeLimit"), "SizeLimit field must be a valid resource quantity"))
	}
	return errs
}

func validateGitRepo(s *v1.GitRepoVolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.Repository == "" {
		errs = append(errs, field.Required(path.Child("repository"), ""))
	}
	return append(errs, check.RelativePath(path.Child("directory"), s.Directory)...)
}

func validateFlocker(s *v1.FlockerVolumeSource, path *field.Path) field.ErrorList {
	switch {
	case s.DatasetName == "" && s.DatasetUUID == "":
		return field.ErrorList{field.Required(path, "one of datasetName and datasetUUID is required")}
	case s.DatasetName != "" && s.DatasetUUID != "":
		return field.ErrorList{field.Invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")}
	}
	return check.NoSlash(path.Child("datasetName"), s.DatasetName)
}

func validateStorageOS(s *v1.StorageOSVolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.VolumeName == "" {
		errs = append(errs, field.Required(path.Child("volumeName"), ""))
	} else {
		errs = append(errs, check.DNSLabel(path.Child("volumeName"), s.VolumeName)...)
	}
	if s.VolumeNamespace != "" {
		errs = append(errs, check.DNSLabel(path.Child("volumeNamespace"), s.VolumeNamespace)...)
	}
	if s.SecretRef != nil && s.SecretRef.Name == "" {
		errs = append(errs, field.Required(path.Child("secretRef", "name"), ""))
	}
	return errs
}

func validateEphemeral(s *v1.EphemeralVolumeSource, path *field.Path, opts Options) field.ErrorList {
	if s.VolumeClaimTemplate == nil {
		return field.ErrorList{field.Required(path.Child("volumeClaimTemplate"), "")}
	}
	return persistentvolumeclaim.ValidateTemplate(s.VolumeClaimTemplate, path.Child("volumeClaimTemplate"),
		persistentvolumeclaim.Options{AllowInvalidLabelValueInSelector: opts.AllowInvalidLabelValues})
}

// In a template the image may still be filled in by somebody else.
func validateImageSource(s *v1.ImageVolumeSource, path *field.Path, opts Options) field.ErrorList {
	var errs field.ErrorList
	if opts.IsPod && s.Reference == "" {
		errs = append(errs, field.Required(path.Child("reference"), ""))
	}
	return append(errs, check.RequiredOneOf(path.Child("pullPolicy"), s.PullPolicy, v1.PullAlways, v1.PullIfNotPresent, v1.PullNever)...)
}

// oddlyNamed gives the names that upstream uses in this one refusal.
func oddlyNamed(child string) string {
	switch child {
	case "cephfs":
		return "cephFS"
	case "downwardAPI":
		return "downwarAPI"
	}
	return child
}
