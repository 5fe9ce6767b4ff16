// Package namespace is what the API does with namespaces. Deleting one only marks it; it goes when the namespace controller
// has emptied it and taken its finalizer out through the finalize subresource.
package namespace
