// Package devicetaintrule is what the API does with devicetaintrules: taints that an administrator puts on devices of drivers.
// What one must look like is in tiphys.dev/apirules/resource/devicetaintrule.
package devicetaintrule
