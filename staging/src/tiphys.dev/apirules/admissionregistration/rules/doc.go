// Package rules holds what webhooks and admission policies share: which requests they look at, under which conditions.
package rules
