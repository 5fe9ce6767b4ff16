// Package registry is what the API does: one folder for each stored resource, and install.go, the one list of them.
//
// A resource folder (pkg/registry/<group>/<resource>) has always the same files: doc.go, strategy.go (the moments of an
// object's life), table.go (how kubectl prints it), storage.go where it has more than one storage, and subresource_x.go for
// each subresource. A missing file means "as every resource does it", which is package stored.
//
// groups.go registers group versions with the server, lifecycle.go leaves out what an emulated release does not have, and package typed is
// how server-side apply sees their objects.
package registry
