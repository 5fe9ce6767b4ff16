// Package denyserviceexternalips refuses external IPs of services, with which any user could draw traffic of others to himself
// (CVE-2020-8554). Those that a service has may stay.
package denyserviceexternalips
