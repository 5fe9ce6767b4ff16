// Package apiserver tests what only a whole API server shows: audit, encryption at rest, and several servers on one store.
package apiserver
