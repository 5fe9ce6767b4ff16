package persistentvolume

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
	"tiphys.dev/apirules/core/volumesource"
)

// validateSource wants exactly one place for the volume to be.
func validateSource(spec *v1.PersistentVolumeSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	given := 0
	s := &spec.PersistentVolumeSource
	one := func(child string, set bool, rule func(*field.Path) field.ErrorList) {
		if !set {
			return
		}
		if given++; given > 1 && child != "flexVolume" { // which the server counts, and never refuses
			errs = append(errs, field.Forbidden(path.Child(child), "may not specify more than 1 volume type"))
			return
		}
		errs = append(errs, rule(path.Child(child))...)
	}
	one("hostPath", s.HostPath != nil, func(p *field.Path) field.ErrorList { return volumesource.HostPath(s.HostPath, p) })
	one("gcePersistentDisk", s.GCEPersistentDisk != nil, func(*field.Path) field.ErrorList {
		return volumesource.GCEPersistentDisk(s.GCEPersistentDisk, path.Child("persistentDisk"))
	})
	one("awsElasticBlockStore", s.AWSElasticBlockStore != nil, func(p *field.Path) field.ErrorList {
		return volumesource.AWSElasticBlockStore(s.AWSElasticBlockStore, p)
	})
	one("glusterfs", s.Glusterfs != nil, func(p *field.Path) field.ErrorList { return validateGlusterfs(s.Glusterfs, p) })
	one("flocker", s.Flocker != nil, func(p *field.Path) field.ErrorList { return validateFlocker(s.Flocker, p) })
	one("nfs", s.NFS != nil, func(p *field.Path) field.ErrorList { return volumesource.NFS(s.NFS, p) })
	one("rbd", s.RBD != nil, func(p *field.Path) field.ErrorList { return volumesource.RBD(s.RBD.CephMonitors, s.RBD.RBDImage, p) })
	one("quobyte", s.Quobyte != nil, func(p *field.Path) field.ErrorList { return volumesource.Quobyte(s.Quobyte, p) })
	one("cephFS", s.CephFS != nil, func(*field.Path) field.ErrorList {
		return volumesource.CephFS(s.CephFS.Monitors, path.Child("cephfs"))
	})
	one("iscsi", s.ISCSI != nil, func(p *field.Path) field.ErrorList {
		i := volumesource.ISCSI{TargetPortal: s.ISCSI.TargetPortal, IQN: s.ISCSI.IQN, Lun: s.ISCSI.Lun, InitiatorName: s.ISCSI.InitiatorName,
			SessionCHAPAuth: s.ISCSI.SessionCHAPAuth, DiscoverCHAP: s.ISCSI.DiscoveryCHAPAuth, HasSecret: s.ISCSI.SecretRef != nil}
		if s.ISCSI.SecretRef != nil {
			i.SecretName = s.ISCSI.SecretRef.Name
		}
		return i.Validate(p)
	})
	one("cinder", s.Cinder != nil, func(p *field.Path) field.ErrorList { return validateCinder(s.Cinder, p) })
	one("fc", s.FC != nil, func(p *field.Path) field.ErrorList { return volumesource.FC(s.FC, p) })
	one("flexVolume", s.FlexVolume != nil, func(p *field.Path) field.ErrorList {
		return volumesource.FlexDriver(s.FlexVolume.Driver, s.FlexVolume.Options, p)
	})
	one("azureFile", s.AzureFile != nil, func(p *field.Path) field.ErrorList {
		wrong := volumesource.AzureFile(s.AzureFile.SecretName, s.AzureFile.ShareName, p)
		if s.AzureFile.SecretNamespace != nil && *s.AzureFile.SecretNamespace == "" {
			wrong = append(wrong, field.Required(p.Child("secretNamespace"), ""))
		}
		return wrong
	})
	one("vsphereVolume", s.VsphereVolume != nil, func(p *field.Path) field.ErrorList { return volumesource.VsphereVolume(s.VsphereVolume, p) })
	one("photonPersistentDisk", s.PhotonPersistentDisk != nil, func(p *field.Path) field.ErrorList {
		return volumesource.PhotonPersistentDisk(s.PhotonPersistentDisk, p)
	})
	one("portworxVolume", s.PortworxVolume != nil, func(p *field.Path) field.ErrorList { return volumesource.PortworxVolume(s.PortworxVolume, p) })
	one("azureDisk", s.AzureDisk != nil, func(p *field.Path) field.ErrorList { return volumesource.AzureDisk(s.AzureDisk, p) })
	one("scaleIO", s.ScaleIO != nil, func(p *field.Path) field.ErrorList {
		return volumesource.ScaleIO(s.ScaleIO.Gateway, s.ScaleIO.System, s.ScaleIO.VolumeName, p)
	})
	one("local", s.Local != nil, func(p *field.Path) field.ErrorList {
		wrong := validateLocal(s.Local, p)
		// A disk of one node is of use on that node only.
		if spec.NodeAffinity == nil {
			wrong = append(wrong, field.Required(path.Child("nodeAffinity"), "Local volume requires node affinity"))
		}
		return wrong
	})
	one("storageos", s.StorageOS != nil, func(p *field.Path) field.ErrorList { return validateStorageOS(s.StorageOS, p) })
	one("csi", s.CSI != nil, func(p *field.Path) field.ErrorList { return validateCSI(s.CSI, p) })
	if given == 0 {
		errs = append(errs, field.Required(path, "must specify a volume type"))
	}
	return errs
}

func validateGlusterfs(s *v1.GlusterfsPersistentVolumeSource, path *field.Path) field.ErrorList {
	errs := volumesource.Glusterfs(s.EndpointsName, s.Path, path)
	if s.EndpointsNamespace != nil && *s.EndpointsNamespace != "" {
		errs = append(errs, check.Messages(path.Child("endpointsNamespace"), *s.EndpointsNamespace, apivalidation.ValidateNamespaceName(*s.EndpointsNamespace, false))...)
	}
	if s.EndpointsNamespace != nil && *s.EndpointsNamespace == "" {
		errs = append(errs, field.Invalid(path.Child("endpointsNamespace"), *s.EndpointsNamespace, "if the endpointnamespace is set, it must be a valid namespace name"))
	}
	return errs
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

func validateCinder(s *v1.CinderPersistentVolumeSource, path *field.Path) field.ErrorList {
	return append(volumesource.Cinder(s.VolumeID, path), optionalSecret(s.SecretRef, path.Child("secretRef"))...)
}

func optionalSecret(ref *v1.SecretReference, path *field.Path) field.ErrorList {
	if ref == nil {
		return nil
	}
	var errs field.ErrorList
	if ref.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), ""))
	}
	if ref.Namespace == "" {
		errs = append(errs, field.Required(path.Child("namespace"), ""))
	}
	return errs
}

func validateLocal(s *v1.LocalVolumeSource, path *field.Path) field.ErrorList {
	if s.Path == "" {
		return field.ErrorList{field.Required(path.Child("path"), "")}
	}
	return check.NoBacksteps(path.Child("path"), s.Path)
}

func validateStorageOS(s *v1.StorageOSPersistentVolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.VolumeName == "" {
		errs = append(errs, field.Required(path.Child("volumeName"), ""))
	} else {
		errs = append(errs, check.DNSLabel(path.Child("volumeName"), s.VolumeName)...)
	}
	if s.VolumeNamespace != "" {
		errs = append(errs, check.DNSLabel(path.Child("volumeNamespace"), s.VolumeNamespace)...)
	}
	if s.SecretRef != nil {
		if s.SecretRef.Name == "" {
			errs = append(errs, field.Required(path.Child("secretRef", "name"), ""))
		}
		if s.SecretRef.Namespace == "" {
			errs = append(errs, field.Required(path.Child("secretRef", "namespace"), ""))
		}
	}
	return errs
}

func validateCSI(s *v1.CSIPersistentVolumeSource, path *field.Path) field.ErrorList {
	errs := volumesource.DriverName(s.Driver, path.Child("driver"))
	if s.VolumeHandle == "" {
		errs = append(errs, field.Required(path.Child("volumeHandle"), ""))
	}
	for _, ref := range []struct {
		child string
		ref   *v1.SecretReference
	}{
		{"controllerPublishSecretRef", s.ControllerPublishSecretRef}, {"controllerExpandSecretRef", s.ControllerExpandSecretRef},
		{"nodePublishSecretRef", s.NodePublishSecretRef}, {"nodeExpandSecretRef", s.NodeExpandSecretRef},
	} {
		errs = append(errs, validateSecretRef(ref.ref, path.Child(ref.child))...)
	}
	return errs
}

func validateSecretRef(ref *v1.SecretReference, path *field.Path) field.ErrorList {
	if ref == nil {
		return nil
	}
	var errs field.ErrorList
	if ref.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), ""))
	} else {
		for _, m := range apivalidation.NameIsDNSSubdomain(ref.Name, false) {
			errs = append(errs, field.Invalid(path.Child("name"), ref.Name, fmt.Sprint(m)))
		}
	}
	if ref.Namespace == "" {
		errs = append(errs, field.Required(path.Child("namespace"), ""))
	} else {
		errs = append(errs, check.Messages(path.Child("namespace"), ref.Namespace, apivalidation.ValidateNamespaceName(ref.Namespace, false))...)
	}
	return errs
}
