// Package ttlafterfinished deletes finished Jobs when their ttlSecondsAfterFinished is over. The decision is made on a fresh
// copy: a TTL that was raised meanwhile must hold.
package ttlafterfinished
