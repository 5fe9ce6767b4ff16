// Package servicecidr is what the API does with servicecidrs: the ranges that cluster IPs come from.
// What one must look like is in tiphys.dev/apirules/networking/servicecidr.
package servicecidr
