// Package preflight checks before the start what would otherwise fail later in a way nobody
// understands: rights, kernel features, programs, ports.
//
// Look gathers facts from the machine; Problems is a pure function from facts to sentences, each of
// which says what is wrong and what to do.
package preflight
