// Package legacytokencleaner retires tokens in secrets that were once made for every service account and that nobody uses.
//
// The API server notes in kube-system/kube-apiserver-legacy-service-account-token-tracking since when it has kept track, and
// labels a secret with the day its token was last used. A token that has been unused for the period, is listed by its account
// and mounted by no pod is first marked invalid (the API server then refuses it, and removing the label brings it back); after
// another period the secret is deleted. Secrets made by hand, which no account lists, are never touched. Once a day; nothing is
// kept in memory between.
package legacytokencleaner
