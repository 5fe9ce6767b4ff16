// Package storageversionmigration is what the API does with storageversionmigrations: orders to write all objects of a resource anew, in the version of today.
// What one must look like is in tiphys.dev/apirules/storagemigration/storageversionmigration.
package storageversionmigration
