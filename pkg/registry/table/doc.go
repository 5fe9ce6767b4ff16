// Package table prints objects as the tables that kubectl shows: columns, one row for an object, ages and durations.
//
// Each resource folder lists its columns and its row in table.go; this package joins them with the metadata of lists. See
// https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables.
package table
