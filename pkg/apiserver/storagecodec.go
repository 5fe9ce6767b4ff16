package apiserver

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
)

// kindlessStorage keeps the kind out of objects that are read from the store. A decoder writes it into them; where the type
// in memory is not the type on the wire, the conversion takes it away again, and clients expect the items of a list to
// name no kind. With one type for both there is no conversion, so it is taken away here.
type kindlessStorage struct {
	serverstorage.StorageFactory
}

func (f kindlessStorage) NewConfig(resource schema.GroupResource, example runtime.Object) (*storagebackend.ConfigForResource, error) {
	config, err := f.StorageFactory.NewConfig(resource, example)
	if err != nil {
		return nil, err
	}
	config.Codec = kindlessCodec{config.Codec}
	return config, nil
}

type kindlessCodec struct {
	runtime.Codec
}

func (c kindlessCodec) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	obj, kind, err := c.Codec.Decode(data, defaults, into)
	if _, ok := obj.(runtime.Unstructured); err == nil && !ok {
		obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	}
	return obj, kind, err
}
