package podworker

import "strings"

// expand replaces $(NAME) by the variable's value. $$ stands for one $, so $$(NAME) is not expanded; a name that is
// unknown, and anything malformed, stays as it is.
func expand(s string, env map[string]string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		switch s[i+1] {
		case '$':
			out.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(s[i+2:], ')')
			if end < 0 {
				out.WriteString(s[i : i+2])
				i++
				continue
			}
			name := s[i+2 : i+2+end]
			if value, ok := env[name]; ok {
				out.WriteString(value)
			} else {
				out.WriteString(s[i : i+3+end])
			}
			i += 2 + end
		default:
			out.WriteByte('$')
		}
	}
	return out.String()
}

func expandAll(list []string, env map[string]string) []string {
	if len(list) == 0 {
		return nil
	}
	all := make([]string, len(list))
	for i := range list {
		all[i] = expand(list[i], env)
	}
	return all
}
