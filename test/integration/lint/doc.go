// Package lint compares what package lint says offline with what the API server answers.
package lint
