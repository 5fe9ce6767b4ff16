// Package csrcleaner deletes certificate requests that are of no use any more: issued, denied or failed ones after an hour,
// those that nobody decided after a day, and those whose certificate has expired at once.
package csrcleaner
