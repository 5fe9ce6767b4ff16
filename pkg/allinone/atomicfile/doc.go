// Package atomicfile writes small files whole or not at all.
//
// Write puts the content beside the target, flushes it and renames it over the target, so a
// reader, a crash or a full disk never leaves half a file. A file that already holds the content
// with the right mode is left alone: its modification time tells when it last changed.
package atomicfile
