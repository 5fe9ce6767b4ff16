// Package podstate answers questions about a live pod that several components ask alike: is it ready, is it finished,
// does it still count as a replica, which QoS class it belongs to.
//
// Every function is pure and reads only the pod it is given. What an object must be is not asked here: that is
// tiphys.dev/apirules.
package podstate
