package volumesource

import (
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func partition(n int32, path *field.Path) field.ErrorList {
	if n < 0 || n > 255 {
		return field.ErrorList{field.Invalid(path.Child("partition"), n, validation.InclusiveRangeError(0, 255))}
	}
	return nil
}

// GCEPersistentDisk checks a disk of Google's cloud.
func GCEPersistentDisk(s *v1.GCEPersistentDiskVolumeSource, path *field.Path) field.ErrorList {
	return append(required(path, "pdName", s.PDName), partition(s.Partition, path)...)
}

// AWSElasticBlockStore checks a disk of Amazon's cloud.
func AWSElasticBlockStore(s *v1.AWSElasticBlockStoreVolumeSource, path *field.Path) field.ErrorList {
	return append(required(path, "volumeID", s.VolumeID), partition(s.Partition, path)...)
}

// Cinder checks a disk of OpenStack. The secret needs its namespace where there is one to say (persistent volumes).
func Cinder(volumeID string, path *field.Path) field.ErrorList {
	return required(path, "volumeID", volumeID)
}

// SetAzureDiskDefaults says how an Azure disk is cached, found and formatted.
func SetAzureDiskDefaults(s *v1.AzureDiskVolumeSource) {
	setDefault(&s.CachingMode, v1.AzureDataDiskCachingReadWrite)
	setDefault(&s.Kind, v1.AzureSharedBlobDisk)
	setDefault(&s.FSType, "ext4")
	setDefault(&s.ReadOnly, false)
}

func setDefault[T any](p **T, value T) {
	if *p == nil {
		*p = &value
	}
}

// AzureDisk checks name, address, caching and kind. A managed disk has an address of its own form.
func AzureDisk(s *v1.AzureDiskVolumeSource, path *field.Path) field.ErrorList {
	errs := required(path, "diskName", s.DiskName, "diskURI", s.DataDiskURI)
	modes := []v1.AzureDataDiskCachingMode{v1.AzureDataDiskCachingNone, v1.AzureDataDiskCachingReadOnly, v1.AzureDataDiskCachingReadWrite}
	if s.CachingMode != nil && !slices.Contains(modes, *s.CachingMode) {
		errs = append(errs, field.NotSupported(path.Child("cachingMode"), *s.CachingMode, modes))
	}
	kinds := []v1.AzureDataDiskKind{v1.AzureDedicatedBlobDisk, v1.AzureManagedDisk, v1.AzureSharedBlobDisk}
	if s.Kind == nil {
		return errs
	}
	managed := *s.Kind == v1.AzureManagedDisk
	if !slices.Contains(kinds, *s.Kind) {
		errs = append(errs, field.NotSupported(path.Child("kind"), *s.Kind, kinds))
	}
	switch {
	case managed && !strings.HasPrefix(s.DataDiskURI, "/subscriptions/"):
		errs = append(errs, field.NotSupported(path.Child("diskURI"), s.DataDiskURI,
			[]string{"/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"}))
	case !managed && !strings.HasPrefix(s.DataDiskURI, "https://"):
		errs = append(errs, field.NotSupported(path.Child("diskURI"), s.DataDiskURI,
			[]string{"https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"}))
	}
	return errs
}

// VsphereVolume checks the path of a virtual disk.
func VsphereVolume(s *v1.VsphereVirtualDiskVolumeSource, path *field.Path) field.ErrorList {
	return required(path, "volumePath", s.VolumePath)
}

// PhotonPersistentDisk checks the identity of a disk.
func PhotonPersistentDisk(s *v1.PhotonPersistentDiskVolumeSource, path *field.Path) field.ErrorList {
	return required(path, "pdID", s.PdID)
}

// PortworxVolume checks the identity of a volume.
func PortworxVolume(s *v1.PortworxVolumeSource, path *field.Path) field.ErrorList {
	return required(path, "volumeID", s.VolumeID)
}

// RBD checks monitors and image.
func RBD(monitors []string, image string, path *field.Path) field.ErrorList {
	return append(CephFS(monitors, path), required(path, "image", image)...)
}

// ScaleIO checks gateway, system and volume.
func ScaleIO(gateway, system, volume string, path *field.Path) field.ErrorList {
	return required(path, "gateway", gateway, "system", system, "volumeName", volume)
}
