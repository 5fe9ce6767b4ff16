// Package runtimeclass is what the API does with runtimeclasses: container runtimes that pods can choose.
// What one must look like is in tiphys.dev/apirules/node/runtimeclass.
package runtimeclass
