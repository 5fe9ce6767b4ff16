// Package deviceclass is what the API does with deviceclasses: kinds of devices that can be claimed.
// What one must look like is in tiphys.dev/apirules/resource/deviceclass.
package deviceclass
