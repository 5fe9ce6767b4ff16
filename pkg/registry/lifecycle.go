package registry

import (
	"fmt"

	"k8s.io/apiserver/pkg/registry/rest"

	"tiphys.dev/tiphys/pkg/api/scheme"
	"tiphys.dev/tiphys/pkg/registry/stored"
)

// dropLater takes what the emulated release does not have yet away from clients. The server itself can still read it: what it watches for
// its own work is then there, and empty.
func (c *Config) dropLater(versions []served) ([]served, error) {
	if c.Lifecycle == nil || len(versions) == 0 {
		return versions, nil
	}
	shapes := map[string]map[string]rest.Storage{}
	for _, v := range versions {
		shapes[v.Version] = map[string]rest.Storage{}
		for path, storage := range v.storage {
			shapes[v.Version][path] = shapeOf(storage)
		}
	}
	if err := c.Lifecycle.RemoveUnavailableKinds(versions[0].Group, scheme.Scheme, shapes, c.Enabled); err != nil {
		return nil, fmt.Errorf("group %q: %w", versions[0].Group, err)
	}
	var left []served
	for _, v := range versions {
		storage := stored.Storage{}
		for path, one := range v.storage {
			if shapes[v.Version][path] != nil {
				storage[path] = one
			}
		}
		if len(storage) > 0 {
			left = append(left, served{v.GroupVersion, storage})
		}
	}
	return left, nil
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
