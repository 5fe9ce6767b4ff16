package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Aspects in which two answers can differ. Text is what a message says; programs do not read it.
const (
	aspectCode     = "code"
	aspectReason   = "reason"
	aspectCauses   = "causes"
	aspectWarnings = "warnings"
	aspectObject   = "object"
	aspectHeaders  = "headers"
	aspectText     = "text"
)

var aspects = []string{aspectCode, aspectReason, aspectCauses, aspectWarnings, aspectObject, aspectHeaders, aspectText}

// difference is one aspect in which ours is not as theirs.
type difference struct {
	aspect string
	lines  []string
}

// compare lists how our answer differs from upstream's.
func compare(theirs, ours answer) []difference {
	if theirs.code != ours.code {
		return []difference{{aspectCode, []string{
			fmt.Sprintf("theirs %d %s", theirs.code, summary(theirs)), fmt.Sprintf("ours   %d %s", ours.code, summary(ours)),
		}}}
	}
	var out []difference
	add := func(aspect string, lines []string) {
		if len(lines) > 0 {
			out = append(out, difference{aspect, lines})
		}
	}
	add(aspectWarnings, sets(clean(theirs.warnings), clean(ours.warnings)))
	add(aspectHeaders, maps2(headers(theirs), headers(ours)))
	if theirs.value == nil || ours.value == nil {
		if string(theirs.body) != string(ours.body) {
			add(aspectObject, []string{"theirs " + summary(theirs), "ours   " + summary(ours)})
		}
		return out
	}
	if theirs.value["kind"] == "Status" && ours.value["kind"] == "Status" && theirs.value["status"] == "Failure" {
		add(aspectReason, sets([]string{fmt.Sprint(theirs.value["reason"])}, []string{fmt.Sprint(ours.value["reason"])}))
		add(aspectCauses, places(theirs, ours))
		if len(places(theirs, ours)) == 0 {
			add(aspectText, sets(causes(theirs, true), causes(ours, true)))
			add(aspectObject, maps2(details(theirs), details(ours)))
		}
		return out
	}
	add(aspectObject, maps2(flatten(theirs.value), flatten(ours.value)))
	return out
}

// own are headers whose values are each server's own, or follow from the length of names that it chose.
var own = map[string]bool{"Date": true, "Audit-Id": true, "Content-Length": true, "Warning": true,
	"X-Kubernetes-Pf-Flowschema-Uid": true, "X-Kubernetes-Pf-Prioritylevel-Uid": true, "Last-Modified": true}

// headers are those of the answer, without values that are each server's own.
func headers(a answer) map[string]string {
	out := map[string]string{}
	for k, v := range a.header {
		out[k] = strings.Join(v, ", ")
		if own[k] {
			out[k] = "OWN"
		}
	}
	// Compression depends on the length, and with it on names of chance; so does whether the length is said.
	delete(out, "Content-Length")
	return out
}

// details is what a refusal says beside its causes and text.
func details(a answer) map[string]string {
	flat := flatten(a.value)
	for path := range flat {
		if strings.HasPrefix(path, "details.causes") || path == "message" {
			delete(flat, path)
		}
	}
	return flat
}

// places lists the causes whose type and field only one side has, with what they say.
func places(theirs, ours answer) []string {
	missing := sets(causes(theirs, false), causes(ours, false))
	for i, line := range missing {
		side, place := theirs, strings.TrimPrefix(line, "theirs ")
		if strings.HasPrefix(line, "ours   ") {
			side, place = ours, strings.TrimPrefix(line, "ours   ")
		}
		if at := slices.Index(causes(side, false), place); at >= 0 {
			missing[i] += " — " + causes(side, true)[at]
		}
	}
	return missing
}

// causes lists type and field of each cause, or its text.
func causes(a answer, texts bool) []string {
	details, _ := a.value["details"].(map[string]any)
	list, _ := details["causes"].([]any)
	var out []string
	for _, c := range list {
		c, _ := c.(map[string]any)
		if texts {
			out = append(out, fmt.Sprintf("%v: %s", c["field"], text("", "", shown(fmt.Sprint(c["message"])))))
		} else {
			out = append(out, fmt.Sprintf("%v %v", c["reason"], c["field"]))
		}
	}
	if texts && len(list) == 0 {
		out = append(out, text("", "", fmt.Sprint(a.value["message"])))
	}
	return out
}

// shown cuts a printed object out of a message: upstream prints its internal types, whose fields have other names.
func shown(message string) string {
	for _, lead := range []string{"Invalid value: ", "Unsupported value: "} {
		rest, ok := strings.CutPrefix(message, lead)
		if !ok || rest == "" || !strings.ContainsAny(rest[:1], "{[m&") {
			continue
		}
		if end := max(strings.LastIndex(rest, "}: "), strings.LastIndex(rest, "]: ")); end > 0 {
			return lead + "V" + rest[end+1:]
		}
	}
	return message
}

func clean(warnings []string) []string {
	var out []string
	for _, w := range warnings {
		out = append(out, text("", "", w))
	}
	return out
}

// sets lists what only one side has.
func sets(theirs, ours []string) []string {
	var out []string
	slices.Sort(theirs)
	slices.Sort(ours)
	for _, t := range slices.Compact(theirs) {
		if !slices.Contains(ours, t) {
			out = append(out, "theirs "+t)
		}
	}
	for _, o := range slices.Compact(ours) {
		if !slices.Contains(theirs, o) {
			out = append(out, "ours   "+o)
		}
	}
	return out
}

func maps2(theirs, ours map[string]string) []string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(theirs)) {
		if o, ok := ours[path]; !ok {
			out = append(out, fmt.Sprintf("theirs %s = %s", path, theirs[path]))
		} else if o != theirs[path] {
			out = append(out, fmt.Sprintf("theirs %s = %s", path, theirs[path]), fmt.Sprintf("ours   %s = %s", path, o))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(ours)) {
		if _, ok := theirs[path]; !ok {
			out = append(out, fmt.Sprintf("ours   %s = %s", path, ours[path]))
		}
	}
	return out
}

func summary(a answer) string {
	if m, ok := a.value["message"]; ok {
		return text("", "", fmt.Sprint(m))
	}
	return fmt.Sprintf("%.900s", a.body)
}
