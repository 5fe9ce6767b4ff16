package volumesource

import (
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tiphys.dev/apirules/check"
)

// HostPath checks a path of the node.
func HostPath(s *v1.HostPathVolumeSource, path *field.Path) field.ErrorList {
	if s.Path == "" {
		return field.ErrorList{field.Required(path.Child("path"), "")}
	}
	errs := check.NoBacksteps(path.Child("path"), s.Path)
	if s.Type != nil {
		errs = append(errs, check.OneOf(path.Child("type"), *s.Type, v1.HostPathUnset, v1.HostPathBlockDev, v1.HostPathCharDev, v1.HostPathDirectory,
			v1.HostPathDirectoryOrCreate, v1.HostPathFile, v1.HostPathFileOrCreate, v1.HostPathSocket)...)
	}
	return errs
}

// NFS checks a directory that a server exports.
func NFS(s *v1.NFSVolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.Server == "" {
		errs = append(errs, field.Required(path.Child("server"), ""))
	}
	if s.Path == "" {
		errs = append(errs, field.Required(path.Child("path"), ""))
	}
	if !strings.HasPrefix(s.Path, "/") {
		errs = append(errs, field.Invalid(path.Child("path"), s.Path, "must be an absolute path"))
	}
	return errs
}

// Glusterfs checks a volume of a Gluster cluster.
func Glusterfs(endpoints, volume string, path *field.Path) field.ErrorList {
	return required(path, "endpoints", endpoints, "path", volume)
}

// CephFS checks that monitors are named.
func CephFS(monitors []string, path *field.Path) field.ErrorList {
	if len(monitors) == 0 {
		return field.ErrorList{field.Required(path.Child("monitors"), "")}
	}
	return nil
}

// Quobyte checks registry and volume.
func Quobyte(s *v1.QuobyteVolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.Registry == "" {
		errs = append(errs, field.Required(path.Child("registry"), "must be a host:port pair or multiple pairs separated by commas"))
	} else if len(s.Tenant) >= 65 {
		errs = append(errs, field.Required(path.Child("tenant"), "must be a UUID and may not exceed a length of 64 characters"))
	} else {
		for hostPort := range strings.SplitSeq(s.Registry, ",") {
			if host, port, ok := strings.Cut(hostPort, ":"); !ok || host == "" || port == "" {
				errs = append(errs, field.Invalid(path.Child("registry"), s.Registry, "must be a host:port pair or multiple pairs separated by commas"))
			}
		}
	}
	if s.Volume == "" {
		errs = append(errs, field.Required(path.Child("volume"), ""))
	}
	return errs
}

// AzureFile checks secret and share.
func AzureFile(secretName, shareName string, path *field.Path) field.ErrorList {
	return required(path, "secretName", secretName, "shareName", shareName)
}

// required takes pairs of a child's name and its value, and wants each value set.
func required(path *field.Path, pairs ...string) field.ErrorList {
	var errs field.ErrorList
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			errs = append(errs, field.Required(path.Child(pairs[i]), ""))
		}
	}
	return errs
}
