// Package check asks the questions that many kinds ask of a single field: is it set, is it one of these words, is it a
// port, a positive number, a quantity, a name. Each returns the errors the API server reports for that field.
//
// It knows no kind. Rules of one kind live in that kind's folder; a question moves here only when several kinds ask it
// in the same words.
package check
