//go:build tools

// Package tools pins the programs that hack/ runs, in a module of their own so that Tiphys does not depend on them.
package tools

import _ "honnef.co/go/tools/cmd/staticcheck"
