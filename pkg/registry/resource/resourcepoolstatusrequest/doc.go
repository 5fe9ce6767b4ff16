// Package resourcepoolstatusrequest is what the API does with resourcepoolstatusrequests: questions about the devices of a driver, which a controller
// answers once. What one must look like is in tiphys.dev/apirules/resource/resourcepoolstatusrequest.
package resourcepoolstatusrequest
