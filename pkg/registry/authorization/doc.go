// Package authorization serves the reviews that tell what somebody may do. They are answered and not stored.
package authorization
