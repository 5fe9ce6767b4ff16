// Package service is what the API does with services: their storage, their cluster IPs and node ports, and the proxy to the
// pods behind them.
//
// families.go settles which IP families a service has, allocate.go gives it addresses and ports and takes them back when the
// request fails, ipalloc and portalloc keep what is given out. What is given out is stored, so it survives a restart; a repair
// at the start and now and then brings records and services together again. What a service must look like is in
// tiphys.dev/apirules/core/service.
package service
