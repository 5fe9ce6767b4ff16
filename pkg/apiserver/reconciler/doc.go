// Package reconciler keeps the "kubernetes" Service in the default namespace and its endpoints: the addresses of the API
// servers that live.
//
// Several servers share the list through leases in the store, under upstream's keys (masterleases/<address>): a server that
// stops takes its address out, one that dies loses it when its lease ends.
package reconciler
