// Package resourcequota measures what is used in a namespace and writes it into the status of its ResourceQuotas. Admission
// adds to the status what it lets through; this controller corrects it from what exists.
//
// Pods, services and claims are measured from shared informers by the evaluators of package quota, which admission charges with. Objects that are only counted ("count/…", secrets,
// configmaps) are watched as metadata, and only while some quota names them (count.go).
package resourcequota
