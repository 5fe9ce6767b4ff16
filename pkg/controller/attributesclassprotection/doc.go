// Package attributesclassprotection keeps a VolumeAttributesClass that is being deleted while a claim or a volume names it, by
// the finalizer kubernetes.io/vac-protection.
package attributesclassprotection
