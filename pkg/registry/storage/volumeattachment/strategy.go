package volumeattachment

import (
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"

	rules "tiphys.dev/apirules/storage/volumeattachment"

	"tiphys.dev/tiphys/pkg/registry/stored"
)

var resource = &stored.Resource[*storagev1.VolumeAttachment]{
	Group: "storage.k8s.io", Name: "volumeattachments", Singular: "volumeattachment",

	New:     func() *storagev1.VolumeAttachment { return &storagev1.VolumeAttachment{} },
	NewList: func() runtime.Object { return &storagev1.VolumeAttachmentList{} },
	Spec:    func(o *storagev1.VolumeAttachment) any { return &o.Spec },
	Status:  func(o *storagev1.VolumeAttachment) any { return &o.Status },

	ConditionalUpdate:    true,
	DeletedObject:        true,
	StatusKeepsMetadata:  stored.Metadata,
	Validate:             rules.Validate,
	ValidateUpdate:       rules.ValidateUpdate,
	ValidateStatusUpdate: rules.ValidateStatusUpdate,

	Columns: columns,
	Row:     row,
}

// New makes the storage of volumeattachments.
func New(getter generic.RESTOptionsGetter) (stored.Storage, error) {
	s, _, err := resource.Storage(getter)
	return s, err
}
