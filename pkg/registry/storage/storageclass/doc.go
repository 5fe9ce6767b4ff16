// Package storageclass is what the API does with storageclasses: kinds of storage that can be claimed.
// What one must look like is in tiphys.dev/apirules/storage/storageclass.
package storageclass
