// Package status is the small file by which a running tiphys tells others how it is doing.
//
// The server owns the file and replaces it whole at every change of a component's phase; readers
// (`tiphys dev up`, `tiphys dev status`) follow it by file events. A status belongs to the process
// it names: when that is gone, the file is what it said last.
package status
