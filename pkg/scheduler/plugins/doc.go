// Package plugins lists the scheduler's own plugins; each lives in a folder of its own beside this file.
package plugins
