// Package serviceaccount is what the API does with service accounts: their storage, and the tokens it issues for them.
package serviceaccount
