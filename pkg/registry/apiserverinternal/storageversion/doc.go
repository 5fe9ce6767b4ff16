// Package storageversion is what the API does with storageversions: in which versions each API server writes and reads a resource.
// What one must look like is in tiphys.dev/apirules/apiserverinternal/storageversion.
package storageversion
