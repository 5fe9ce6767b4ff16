// Package authentication serves the reviews that tell who somebody is. They are answered and not stored.
package authentication
