// Package clustertrustbundle is what the API does with clustertrustbundles: certificates of authorities that pods mount.
// What one must look like is in tiphys.dev/apirules/certificates/clustertrustbundle.
package clustertrustbundle
