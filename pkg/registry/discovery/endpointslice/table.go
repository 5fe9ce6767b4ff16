package endpointslice

import (
	"fmt"
	"strconv"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{
	table.Name,
	table.Text("AddressType", discoveryv1.EndpointSlice{}.SwaggerDoc()["addressType"]),
	table.Text("Ports", discoveryv1.EndpointSlice{}.SwaggerDoc()["ports"]),
	table.Text("Endpoints", discoveryv1.EndpointSlice{}.SwaggerDoc()["endpoints"]),
	table.Age,
}

func row(o *discoveryv1.EndpointSlice) []any {
	return []any{o.Name, string(o.AddressType), ports(o.Ports), endpoints(o.Endpoints), table.Since(o.CreationTimestamp)}
}

// shown is how many ports and endpoints a row lists.
const shown = 3

func ports(list []discoveryv1.EndpointPort) string {
	if list == nil {
		return "*"
	}
	var out []string
	for i, p := range list {
		if i == shown {
			return fmt.Sprintf("%s + %d more...", strings.Join(out, ","), len(list)-shown)
		}
		switch {
		case p.Port != nil:
			out = append(out, strconv.Itoa(int(*p.Port)))
		case p.Name != nil && *p.Name != "":
			out = append(out, *p.Name)
		default:
			out = append(out, "*")
		}
	}
	return unset(strings.Join(out, ","))
}

func endpoints(list []discoveryv1.Endpoint) string {
	var out []string
	count := 0
	for _, e := range list {
		for _, a := range e.Addresses {
			if count < shown {
				out = append(out, a)
			}
			count++
		}
	}
	if count > shown {
		return fmt.Sprintf("%s + %d more...", strings.Join(out, ","), count-shown)
	}
	return unset(strings.Join(out, ","))
}

func unset(s string) string {
	if s == "" {
		return "<unset>"
	}
	return s
}
