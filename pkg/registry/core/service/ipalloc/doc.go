// Package ipalloc gives out cluster IPs. Each address given out is an IPAddress object of that name, whose creation decides
// between two who want it; the ranges are the ServiceCIDR objects, which can be added while the cluster runs (KEP-1880).
//
// The lower part of a range is left to services that ask for a certain address (KEP-3070).
package ipalloc
