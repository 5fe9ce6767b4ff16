// Package webhookrules holds what validating and mutating webhooks share: checks of one webhook, seen through a view
// that both kinds give of themselves.
package webhookrules
