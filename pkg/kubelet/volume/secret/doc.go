// Package secret is the secret volume: the keys of a Secret as files in memory, following its changes.
package secret
