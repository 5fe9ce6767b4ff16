package podspec

import (
	"fmt"
	"path"
	"strings"

	v1 "k8s.io/api/core/v1"
)

// writer is a file that a volume writes, and the source it comes from; the source is empty where a volume has only one.
type writer struct{ file, source string }

// overlaps warns of files of one volume that hide each other: equal ones, and files where others want a folder.
func (w *warner) overlaps(v *v1.Volume) {
	switch {
	case v.ConfigMap != nil:
		w.overlap(fmt.Sprintf("volume %q (ConfigMap %q)", v.Name, v.ConfigMap.Name), keyed(v.ConfigMap.Items, ""))
	case v.Secret != nil:
		w.overlap(fmt.Sprintf("volume %q (Secret %q)", v.Name, v.Secret.SecretName), keyed(v.Secret.Items, ""))
	case v.DownwardAPI != nil:
		w.overlap(fmt.Sprintf("volume %q (DownwardAPI)", v.Name), downward(v.DownwardAPI.Items, ""))
	case v.Projected != nil:
		var all []writer
		for _, s := range v.Projected.Sources {
			switch {
			case s.ConfigMap != nil:
				all = append(all, keyed(s.ConfigMap.Items, fmt.Sprintf("ConfigMap %q", s.ConfigMap.Name))...)
			case s.Secret != nil:
				all = append(all, keyed(s.Secret.Items, fmt.Sprintf("Secret %q", s.Secret.Name))...)
			case s.DownwardAPI != nil:
				all = append(all, downward(s.DownwardAPI.Items, "DownwardAPI")...)
			case s.ServiceAccountToken != nil:
				all = append(all, writer{s.ServiceAccountToken.Path, "ServiceAccountToken"})
			case s.ClusterTrustBundle != nil:
				all = append(all, writer{s.ClusterTrustBundle.Path, "ClusterTrustBundle"})
			case s.PodCertificate != nil:
				for _, file := range []string{s.PodCertificate.CredentialBundlePath, s.PodCertificate.KeyPath, s.PodCertificate.CertificateChainPath} {
					if file != "" {
						all = append(all, writer{file, "PodCertificate"})
					}
				}
			default:
				w.add("volume %q (Projected) has no sources provided", v.Name)
			}
		}
		w.overlap(fmt.Sprintf("volume %q (Projected)", v.Name), all)
	}
}

func keyed(items []v1.KeyToPath, source string) []writer {
	var out []writer
	for _, i := range items {
		out = append(out, writer{i.Path, source})
	}
	return out
}

func downward(items []v1.DownwardAPIVolumeFile, source string) []writer {
	var out []writer
	for _, i := range items {
		out = append(out, writer{i.Path, source})
	}
	return out
}

func (w *warner) overlap(volume string, list []writer) {
	for i, now := range list {
		for _, before := range list[:i] {
			if now.file != "" && before.file != "" && (within(now.file, before.file) || within(before.file, now.file)) {
				w.add("%s: overlapping paths: %s with %s", volume, now, before)
			}
		}
	}
}

// within tells whether a file is another, or in a folder of that name.
func within(file, other string) bool {
	file, other = path.Clean(file), path.Clean(other)
	return file == other || strings.HasPrefix(file, other+"/")
}

func (w writer) String() string {
	if w.source == "" {
		return fmt.Sprintf("%q", w.file)
	}
	return fmt.Sprintf("%q (%s)", w.file, w.source)
}
