// Package prioritylevelconfiguration is what the API does with prioritylevelconfigurations: how much of the server each level gets.
// What one must look like is in tiphys.dev/apirules/flowcontrol/prioritylevelconfiguration.
package prioritylevelconfiguration
