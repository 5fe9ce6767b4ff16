package registry

import (
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// dropLater takes what the emulated release does not have yet away from clients. The server itself can still read it: what it watches for
// its own work is then there, and empty.
func (c *Config) dropLater(group string, info *genericapiserver.APIGroupInfo) error {
	if c.Lifecycle == nil {
		return nil
	}
	shapes := map[string]map[string]rest.Storage{}
	for version, all := range info.VersionedResourcesStorageMap {
		shapes[version] = map[string]rest.Storage{}
		for path, storage := range all {
			shapes[version][path] = shapeOf(storage)
		}
	}
	if err := c.Lifecycle.RemoveUnavailableKinds(group, info.Scheme, shapes, c.Enabled); err != nil {
		return err
	}
	for version, all := range info.VersionedResourcesStorageMap {
		for path := range all {
			if shapes[version][path] == nil {
				delete(all, path)
			}
		}
		if len(all) == 0 {
			delete(info.VersionedResourcesStorageMap, version)
		}
	}
	return nil
}

// shape is a storage that can be thrown away: its kind is all that is asked for.
type shape struct{ rest.Storage }

// Destroy leaves the storage as it is.
func (shape) Destroy() {}

// kindShape is the shape of a storage whose kind is of another version than its resource.
type kindShape struct {
	shape
	rest.GroupVersionKindProvider
}

func shapeOf(s rest.Storage) rest.Storage {
	if kind, ok := s.(rest.GroupVersionKindProvider); ok {
		return kindShape{shape{s}, kind}
	}
	return shape{s}
}
