// Package imagepolicy asks a webhook whether the images of a pod may run. config.go reads and checks the configuration, review.go asks
// and remembers, admission.go says what becomes of the pod. See
// https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#imagepolicywebhook.
package imagepolicy
