// Package ctbattest lets only those publish trust anchors of a signer who may attest for it. Cluster trust bundles are served only
// when their gate and API are turned on; until then the plugin sees none.
package ctbattest
