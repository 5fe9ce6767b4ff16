package probe

import (
	"fmt"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// expand replaces $(NAME) in a command by plain values of the container's environment. A name without a value stays as it is.
func expand(command []string, c *v1.Container) []string {
	env := map[string]string{}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			env[e.Name] = e.Value
		}
	}
	out := make([]string, len(command))
	for i, arg := range command {
		out[i] = expandOne(arg, env)
	}
	return out
}

func expandOne(arg string, env map[string]string) string {
	var b strings.Builder
	for i := 0; i < len(arg); i++ {
		if arg[i] != '$' || i+1 == len(arg) {
			b.WriteByte(arg[i])
			continue
		}
		switch arg[i+1] {
		case '$':
			b.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(arg[i+2:], ')')
			if end < 0 {
				b.WriteByte('$')
				continue
			}
			if value, ok := env[arg[i+2:i+2+end]]; ok {
				b.WriteString(value)
			} else {
				b.WriteString(arg[i : i+3+end])
			}
			i += 2 + end
		default:
			b.WriteByte('$')
		}
	}
	return b.String()
}

// port resolves a number or the name of one of the container's ports.
func port(p intstr.IntOrString, c *v1.Container) (int, error) {
	number := p.IntValue()
	if p.Type == intstr.String {
		number = 0
		for _, cp := range c.Ports {
			if cp.Name == p.StrVal {
				number = int(cp.ContainerPort)
			}
		}
		if number == 0 {
			var err error
			if number, err = strconv.Atoi(p.StrVal); err != nil {
				return 0, fmt.Errorf("couldn't find port: %v in %s", p.StrVal, c.Name)
			}
		}
	}
	if number <= 0 || number > 65535 {
		return 0, fmt.Errorf("invalid port number: %d", number)
	}
	return number, nil
}
