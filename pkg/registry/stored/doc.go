// Package stored turns the description of a stored resource into the storage that the API server serves.
//
// A resource folder (pkg/registry/<group>/<resource>) fills in one Resource: the Go type, the rules that tiphys.dev/apirules
// gives it, what the server itself changes on create and update, and the printer columns. New makes the store from it, and
// NewStatus the storage of its status subresource. What a Resource leaves nil means "as every kind does it":
//
//   - create clears the status, starts the generation at 1 (kinds that have one) and validates;
//   - update keeps the status and the metadata the server owns, raises the generation when the spec changed, and validates;
//   - a status update keeps everything but the status;
//   - server-side apply is told the same through the reset fields.
//
// Only pkg/registry may import this package.
package stored
