package oracle

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	uuid   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	age    = regexp.MustCompile(`^(\d+(ms|d|h|m|s))+$`)
	random = regexp.MustCompile(`(generated-|g{58})[a-z0-9]{5}\b`)
	// revision is a state of a server's own store, in texts.
	revision = regexp.MustCompile(`(resource version: \d+ \()\d+|(current: )\d+|(the specified version |resourceVersion: ?"?)\d+`)
	// address is where a server listens.
	address = regexp.MustCompile(`(127\.0\.0\.1|203\.0\.113\.10):\d+`)
	// serviceIP and nodePort are what the allocators give, as tables show them.
	serviceIP  = regexp.MustCompile(`\b10\.(9[6-9]|10[0-9]|11[01])\.\d+\.\d+\b`)
	nodePort   = regexp.MustCompile(`(:)3[0-2]\d{3}/`)
	credential = regexp.MustCompile(`X509SHA256=[0-9a-f]+`)
	// memory is an address of the process, in texts that print pointers.
	memory = regexp.MustCompile(`0x[0-9a-f]{8,}`)
)

// chosen are fields whose values a server picks for itself, by the last part of their path.
var chosen = map[string]bool{"resourceVersion": true, "healthCheckNodePort": true, "nodePort": true, "continue": true, "token": true, "expirationTimestamp": true,
	"gitVersion": true, "gitCommit": true, "gitTreeState": true, "buildDate": true, "kid": true, "serverAddress": true, "jwks_uri": true}

// flatten makes a value comparable: path → text, with what a server chooses for itself replaced.
func flatten(value any) map[string]string {
	out := map[string]string{}
	walk(out, "", "", value)
	return out
}

func walk(out map[string]string, path, key string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			out[path] = "{}"
		}
		for k, child := range v {
			walk(out, strings.TrimPrefix(path+"."+k, "."), k, child)
		}
	case []any:
		if len(v) == 0 {
			out[path] = "[]"
		}
		if key == "managedFields" {
			managers(out, path, v)
			return
		}
		for i, child := range v {
			walk(out, fmt.Sprintf("%s[%d]", path, i), key, child)
		}
	case string:
		out[path] = text(path, key, v)
	case float64:
		if chosen[key] && v > 0 {
			out[path] = "CHOSEN"
			return
		}
		out[path] = fmt.Sprint(v)
	default:
		out[path] = fmt.Sprint(v)
	}
}

// managers orders entries by who they are of: the server orders by time, to the second.
func managers(out map[string]string, path string, entries []any) {
	for _, e := range entries {
		e, ok := e.(map[string]any)
		if !ok {
			continue
		}
		walk(out, fmt.Sprintf("%s[%v %v %v %v]", path, e["manager"], e["operation"], e["subresource"], e["apiVersion"]), "", e)
	}
}

func text(path, key, v string) string {
	switch {
	case chosen[key] && v != "" && v != "0":
		return "CHOSEN"
	case (key == "clusterIP" || key == "clusterIPs") && v != "None" && v != "":
		return "CHOSEN"
	case strings.HasPrefix(path, "keys[") && (key == "x" || key == "y"):
		return "CHOSEN" // of the keys that sign tokens
	case key == "selfLink":
		return "LINK"
	case isRecent(v):
		return "NOW"
	case strings.Contains(path, "cells[") && age.MatchString(v):
		return "AGE"
	}
	if strings.Contains(path, "cells[") {
		v = nodePort.ReplaceAllString(serviceIP.ReplaceAllString(v, "CHOSEN"), "${1}CHOSEN/")
	}
	v = address.ReplaceAllString(v, "$1:PORT")
	v = revision.ReplaceAllString(v, "${1}${2}${3}REVISION")
	v = credential.ReplaceAllString(v, "X509SHA256=CHOSEN")
	return memory.ReplaceAllString(random.ReplaceAllString(uuid.ReplaceAllString(v, "UUID"), "${1}RANDOM"), "MEMORY")
}

// sameRun bounds the age of what a run made, also on servers that were started before it.
const sameRun = 12 * time.Hour

// isRecent tells whether a text is a time of this run.
func isRecent(v string) bool {
	t, err := time.Parse(time.RFC3339Nano, v)
	return err == nil && time.Since(t).Abs() < sameRun
}
