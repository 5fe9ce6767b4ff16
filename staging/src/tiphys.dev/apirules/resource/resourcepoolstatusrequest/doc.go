// Package resourcepoolstatusrequest holds the rules of the API kind: what is filled in, what is refused, what may change, what is warned of.
package resourcepoolstatusrequest
