package endpoints

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/tiphys/pkg/registry/table"
)

var columns = []table.Column{table.Name, table.Text("Endpoints", corev1.Endpoints{}.SwaggerDoc()["subsets"]), table.Age}

func row(o *corev1.Endpoints) []any {
	return []any{o.Name, format(o), table.Since(o.CreationTimestamp)}
}

// shown is how many addresses a row lists.
const shown = 3

func format(o *corev1.Endpoints) string {
	var list []string
	count := 0
	add := func(s string) {
		if count < shown {
			list = append(list, s)
		}
		count++
	}
	for _, s := range o.Subsets {
		if len(s.Ports) == 0 {
			for _, a := range s.Addresses {
				add(a.IP)
			}
			continue
		}
		for _, p := range s.Ports {
			for _, a := range s.Addresses {
				add(net.JoinHostPort(a.IP, strconv.Itoa(int(p.Port))))
			}
		}
	}
	text := strings.Join(list, ",")
	if count > shown {
		return fmt.Sprintf("%s + %d more...", text, count-shown)
	}
	return table.OrNone(text)
}
