// Package volumeattachment is what the API does with volumeattachments: the wish to attach a volume to a node.
// What one must look like is in tiphys.dev/apirules/storage/volumeattachment.
package volumeattachment
