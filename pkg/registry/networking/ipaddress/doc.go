// Package ipaddress is what the API does with ipaddresses: the cluster IPs in use.
// What one must look like is in tiphys.dev/apirules/networking/ipaddress.
package ipaddress
