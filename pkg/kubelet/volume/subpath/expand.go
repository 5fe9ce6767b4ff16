package subpath

import (
	"fmt"
	"strings"
)

// Expand replaces $(NAME) in a subPathExpr by the container's environment. $$ stands for a single dollar sign. Unlike in
// commands and arguments, a name without a value is an error: a mount of the wrong directory would be worse than none.
func Expand(expr string, env map[string]string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(expr); i++ {
		if expr[i] != '$' || i+1 == len(expr) {
			out.WriteByte(expr[i])
			continue
		}
		switch expr[i+1] {
		case '$':
			out.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(expr[i+2:], ')')
			if end < 0 {
				out.WriteByte('$') // never closed: plain text
				continue
			}
			name := expr[i+2 : i+2+end]
			value, ok := env[name]
			if !ok {
				return "", fmt.Errorf("missing value for %q", name)
			}
			out.WriteString(value)
			i += 2 + end
		default:
			out.WriteByte('$')
		}
	}
	return out.String(), nil
}
