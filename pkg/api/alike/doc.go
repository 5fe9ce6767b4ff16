// Package alike copies values between Go types of the same shape: the versions of an API kind that differ in their package and not in their
// fields.
//
// A Copier looks at a pair of types once, when the first value of it is copied, and keeps what is to be done as a list of steps by field; types
// that are the same in both versions are shared, as conversions may, and not copied. So a conversion costs little more
// than what a written one does, nothing where a version is never asked for, and keeps what a way over JSON or protobuf loses: whether a list is
// empty or missing. A pair of types that differ in shape needs a rule of its own, or it is an error: Check finds that out in a test.
package alike
