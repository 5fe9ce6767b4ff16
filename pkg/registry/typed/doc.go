// Package typed gives server-side apply its view of objects (KEP-555): a value with a schema, of which fields are compared, merged and owned.
//
// The published converter checks each object against its schema and, to find out whether it has the wanted version already, turns it into maps.
// Both is done several times for every write, and an object that comes out of Go types needs neither: it has the fields of its type, and its
// version with it. Whatever else comes, above all what a client applies, goes through the published converter.
package typed
