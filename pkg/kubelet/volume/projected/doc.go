// Package projected is the projected volume: Secrets, ConfigMaps, fields of the pod and service account tokens as files of
// one directory in memory.
//
// Tokens are asked for with TokenRequest, bound to the pod, and kept (tokens.go) until four fifths of their life or a day have
// passed; NextRefresh tells the volume manager when a volume must be written again. Nothing polls.
package projected
