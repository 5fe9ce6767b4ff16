// Package csistoragecapacity is what the API does with csistoragecapacities: how much storage a driver has where.
// What one must look like is in tiphys.dev/apirules/storage/csistoragecapacity.
package csistoragecapacity
