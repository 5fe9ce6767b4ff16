// Package volumeattributesclass is what the API does with volumeattributesclasses: attributes of volumes that can be changed later.
// What one must look like is in tiphys.dev/apirules/storage/volumeattributesclass.
package volumeattributesclass
