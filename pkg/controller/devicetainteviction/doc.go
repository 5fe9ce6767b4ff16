// Package devicetainteviction deletes pods that use a device whose driver has tainted it with the effect NoExecute, when the claim
// does not tolerate that, or only for a time that is over. Its keys are claims: what a claim was allocated, and for whom it is
// reserved, says who must go.
//
// Taints come from ResourceSlices of the newest generation of their pool. DeviceTaintRules (gate DRADeviceTaintRules, off by default)
// are not read.
package devicetainteviction
