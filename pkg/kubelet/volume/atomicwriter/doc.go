// Package atomicwriter puts a set of files into a directory so that a reader sees either all of the old content or all of the new.
//
// The directory of a volume then looks like this:
//
//	..2026_11_21_21_40_01.1234567890/  the files themselves
//	..data -> ..2026_11_21_21_40_01.1234567890
//	config.yaml -> ..data/config.yaml
//	keys -> ..data/keys                one link for each first component of a path
//
// A write makes a new dated directory, turns ..data to it with one rename, and removes the old one. Programs follow a
// change by watching ..data. Content that did not change is not written again.
//
// The scheme is what pods expect of configMap, secret, downwardAPI and projected volumes.
package atomicwriter
