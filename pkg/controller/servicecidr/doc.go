// Package servicecidr lets a ServiceCIDR go only when no address of it is in use, except where another range covers the address:
//
//	created    finalizer networking.k8s.io/service-cidr-finalizer, then condition Ready=True: API servers allocate from it
//	deleting   condition Ready=False, reason Terminating: API servers stop allocating; some seconds for that to be noticed;
//	           then, once no IPAddress belongs to this range alone, the finalizer is removed
package servicecidr
