// Package csidriver is what the API does with csidrivers: storage drivers and what they need.
// What one must look like is in tiphys.dev/apirules/storage/csidriver.
package csidriver
