// Package flowschema is what the API does with flowschemas: which requests belong to which priority level.
// What one must look like is in tiphys.dev/apirules/flowcontrol/flowschema.
package flowschema
