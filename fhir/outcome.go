package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/r4"
)

// operationOutcome is the resource of that name, as far as errors need it.
type operationOutcome struct {
	ResourceType string         `json:"resourceType"`
	Issue        []outcomeIssue `json:"issue"`
}

type outcomeIssue struct {
	Severity    string   `json:"severity"`
	Code        string   `json:"code"`
	Diagnostics string   `json:"diagnostics,omitempty"`
	Expression  []string `json:"expression,omitempty"`
}

// outcomeOf says what went wrong and where, in words that hold no value from a record.
func outcomeOf(err error) []byte {
	o := operationOutcome{ResourceType: "OperationOutcome"}
	var invalid *r4.Invalid
	if errors.As(err, &invalid) {
		for _, i := range invalid.Issues {
			issue := outcomeIssue{Severity: "error", Code: string(i.Code), Diagnostics: i.Diagnostics}
			if i.Expression != "" {
				issue.Expression = []string{i.Expression}
			}
			o.Issue = append(o.Issue, issue)
		}
	} else {
		o.Issue = []outcomeIssue{{Severity: "error", Code: issueCode(err), Diagnostics: errs.Public(err)}}
	}
	return mustJSON(o)
}

// information is an OperationOutcome that reports no fault.
func information(text string) []byte {
	return mustJSON(operationOutcome{ResourceType: "OperationOutcome",
		Issue: []outcomeIssue{{Severity: "information", Code: "informational", Diagnostics: text}}})
}

// issueCode is the IssueType (http://hl7.org/fhir/R4/valueset-issue-type.html) of an error's kind.
func issueCode(err error) string {
	switch errs.KindOf(err) {
	case errs.Invalid:
		return "invalid"
	case errs.Unauthenticated:
		return "login"
	case errs.Denied:
		return "forbidden"
	case errs.NotFound:
		return "not-found"
	case errs.Gone:
		return "deleted"
	case errs.Conflict, errs.Precondition:
		return "conflict"
	case errs.TooLarge:
		return "too-long"
	case errs.TooMany:
		return "throttled"
	case errs.Unsupported, errs.NotAllowed, errs.NotAcceptable, errs.MediaType:
		return "not-supported"
	case errs.Unprocessable:
		return "business-rule"
	case errs.Unavailable:
		return "transient"
	case errs.Internal:
		return "exception"
	default:
		return "exception"
	}
}

// mustJSON encodes a value of this package's own types, which always encode.
func mustJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // nothing here is HTML
	if err := e.Encode(v); err != nil {
		return []byte(`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception"}]}`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Refuse answers an error that was found before the request reached the API.
func Refuse(w http.ResponseWriter, err error) {
	(&answer{status: httpx.Status(err), body: outcomeOf(err)}).write(w, http.MethodGet)
}
