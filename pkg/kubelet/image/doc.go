// Package image sees to it that a container's image is on the node before the container is created.
//
// Ensure looks at the pull policy and at what is present, finds the credentials that fit the image, pulls, and
// remembers failures: a failing image of a pod is not asked for again before its back-off is over. Its errors carry
// the reason the API shows for a waiting container (ErrImagePull, ImagePullBackOff, ErrImageNeverPull, ...).
//
// An image pulled with a pod's own secret is not another pod's to use: every pull is recorded on disk, and a pod
// that wants a present image must hold credentials on record for it, or pull (KubeletEnsureSecretPulledImages).
// Images that were on the node before, with no record, are free to all by default.
package image
