package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// replacements make equal what each server, or the time, chooses.
var replacements = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?Z|( [+-]\d{4})? UTC|[+-]\d\d:\d\d)?( m=[+.\d]+)?`), "TIME"},
	{regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [A-Z\d][a-z\d]+ +[A-Z\d][a-z\d]* +[\d:]+ [\d:]+( [+-]\d{4})?`), "TIME"},
	{regexp.MustCompile(`\b[IWE]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [a-z_]+\.go:\d+`), "LOG"},
	{regexp.MustCompile(`(?i)(\\?"?resource ?version\\?"?: *\\?"?|--resource-version=)\d+`), "${1}REVISION"},
	{regexp.MustCompile(`X509SHA256=[0-9a-f]+`), "CREDENTIAL"},
	{regexp.MustCompile(`(kubectl-edit-|LIVE-|MERGED-)\d+`), "${1}RANDOM"},
	{regexp.MustCompile(`(127\.0\.0\.1|203\.0\.113\.10):\d+`), "$1:PORT"},
	{regexp.MustCompile(`\b10\.(9[6-9]|10[0-9]|11[01])\.\d+\.\d+\b`), "SERVICE-IP"},
	{regexp.MustCompile(`("?(nodePort|healthCheckNodePort)"?: ?|NodePort: +\w* *|:)3[0-2]\d{3}\b`), "${1}NODEPORT"},
	{regexp.MustCompile(`v1\.36\.\d+(\+tiphys\.\d+)?(-[-+.\w]+)?`), "VERSION"},
	{regexp.MustCompile(`("?(gitCommit|buildDate|gitTreeState)"?: ?).*`), "${1}BUILD"},
	{regexp.MustCompile(`\b(\d+(d|h|m|s|ms|µs))+\b( ago)?`), "AGE"},
	{regexp.MustCompile(`\b\d+\.\d+(ms|µs|s)\b`), "AGE"},
	// Whether a tool that ends its watches reads once more from one of them is chance.
	{regexp.MustCompile(`(?m)^.*"Warning: watch ended with error".*\n?`), ""},
	// How often somebody sees a rollout on its way is chance.
	{regexp.MustCompile(`(?m)^Waiting for deployment .*\n`), ""},
	// What a generated name ends with: anything, or a hash of times.
	{regexp.MustCompile(`\b([a-z][-a-z0-9]*?-)([a-f0-9]{8,10}-)?[bcdfghjklmnpqrstvwxz2456789]{5}\b`), "${1}RANDOM"},
	{regexp.MustCompile(`\b([a-z]+-)[bcdfghjklmnpqrstvwxz2456789]{8,10}\b`), "${1}HASH"},
}

func normalize(text string) string {
	for _, r := range replacements {
		text = r.what.ReplaceAllString(text, r.with)
	}
	return text
}

// pretty writes an API object line by line, without what controllers add at a time of their own; other bodies stay as they are.
func pretty(body []byte) string {
	var value map[string]any
	if json.Unmarshal(body, &value) != nil {
		if i := bytes.IndexByte(body, 0); i >= 0 {
			return "no text"
		}
		return string(body)
	}
	prune(value)
	out, err := yaml.Marshal(value)
	if err != nil {
		return string(body)
	}
	return string(out)
}

// prune takes away what comes at a time of its own: the status that controllers report, and what they own of an object.
func prune(v map[string]any) {
	if v["kind"] != "Status" && v["apiVersion"] != nil {
		delete(v, "status")
	}
	if items, ok := v["items"].([]any); ok {
		for _, item := range items {
			if item, ok := item.(map[string]any); ok {
				prune(item)
			}
		}
	}
	// A release of helm is packed twice, and holds times.
	if data, ok := v["data"].(map[string]any); ok && data["release"] != nil {
		data["release"] = "RELEASE"
	}
	meta, ok := v["metadata"].(map[string]any)
	if !ok {
		return
	}
	delete(meta, "resourceVersion")
	if labels, ok := meta["labels"].(map[string]any); ok && labels["modifiedAt"] != nil {
		labels["modifiedAt"] = "TIME"
	}
	if a, ok := meta["annotations"].(map[string]any); ok {
		delete(a, "deployment.kubernetes.io/revision")
		if len(a) == 0 {
			delete(meta, "annotations")
		}
	}
	fields, ok := meta["managedFields"].([]any)
	if !ok {
		return
	}
	// Entries of one second are ordered by name, those of two by time: whether two fall into one second is chance.
	kept := map[string]any{}
	for _, f := range fields {
		f, ok := f.(map[string]any)
		if !ok || f["manager"] == "kube-controller-manager" || f["manager"] == world || f["subresource"] == "status" {
			continue
		}
		delete(f, "time")
		kept[fmt.Sprint(f["manager"], " ", f["operation"], " ", f["apiVersion"], " ", f["subresource"])] = f
	}
	meta["managedFields"] = kept
}

// wide is more than one space: columns are as wide as the addresses in them.
var wide = regexp.MustCompile(` {2,}`)

// lines makes outputs comparable whose columns are as wide as what a server chose.
func lines(out string) string {
	return strings.TrimRight(wide.ReplaceAllString(normalize(out), "  "), " \n")
}
