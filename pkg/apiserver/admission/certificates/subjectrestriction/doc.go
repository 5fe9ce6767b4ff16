// Package subjectrestriction refuses requests for client certificates of the group system:masters, whose holder no authorizer
// could ever stop.
package subjectrestriction
