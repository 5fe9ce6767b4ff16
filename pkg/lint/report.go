package lint

import (
	"encoding/json"
	"fmt"
	"io"
)

// Severity is how bad a finding is.
type Severity string

// A server refuses an object with an error, and accepts one with warnings.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one thing a server would say.
type Finding struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Severity Severity `json:"severity"`
	// APIVersion, Kind, Namespace and Name are the object's, as far as it has them.
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
	// Type is the cause of a refusal as the API has it, such as FieldValueInvalid; empty for errors of decoding and for warnings.
	Type string `json:"type,omitempty"`
	// Field is the path of the field, where the server names one.
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// Report is all that was found, in the order of the input.
type Report struct {
	Findings []Finding `json:"findings"`
	// Files and Objects count what was looked at.
	Files    int `json:"files"`
	Objects  int `json:"objects"`
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
}

func (r *Report) add(f Finding) {
	r.Findings = append(r.Findings, f)
	if f.Severity == Error {
		r.Errors++
	} else {
		r.Warnings++
	}
}

// WriteText writes one line for each finding, in the form that editors jump to.
func (r *Report) WriteText(w io.Writer) error {
	for _, f := range r.Findings {
		object, field := "", ""
		if f.Kind != "" {
			object = f.Kind + "/" + f.Name + ": "
		}
		// Errors of decoding name the field themselves.
		if f.Field != "" && f.Type != "" {
			field = f.Field + ": "
		}
		if _, err := fmt.Fprintf(w, "%s:%d: %s: %s%s%s\n", f.File, f.Line, f.Severity, object, field, f.Message); err != nil {
			return err
		}
	}
	return nil
}

// WriteJSON writes the whole report.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
