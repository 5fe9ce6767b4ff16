// Package portalloc gives out node ports. What is given out is one bitmap in the store, under upstream's key and in its form,
// so that every API server of a cluster sees the same and a restart forgets nothing.
//
// The lower part of the range is left to services that ask for a certain port, so that the ports the server chooses seldom
// get in their way (KEP-3668).
package portalloc
