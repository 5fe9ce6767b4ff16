package image

import (
	"errors"
	"time"
)

// Reasons of a container that waits for its image.
const (
	ReasonErrImagePull      = "ErrImagePull"
	ReasonImagePullBackOff  = "ImagePullBackOff"
	ReasonErrImageNeverPull = "ErrImageNeverPull"
	ReasonInvalidImageName  = "InvalidImageName"
	ReasonImageInspectError = "ImageInspectError"
	ReasonRegistryUnavail   = "RegistryUnavailable"
	ReasonSignature         = "SignatureValidationFailed"
)

// Error says why an image is not there.
type Error struct {
	Reason, Message string
	// RetryAfter is when asking again makes sense; 0 means only after something changed.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return e.Reason + ": " + e.Message }

// AsError returns the Error in err's chain, or nil.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
