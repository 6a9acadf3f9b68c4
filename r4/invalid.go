package r4

import (
	"fmt"
	"strings"

	"github.com/tutela-health/tutela/internal/errs"
)

// IssueCode is a code of FHIR's IssueType value set (http://hl7.org/fhir/R4/valueset-issue-type.html).
type IssueCode string

// The issue codes that parsing gives.
const (
	IssueStructure   IssueCode = "structure"    // not JSON, or the wrong shape
	IssueRequired    IssueCode = "required"     // a required element is missing
	IssueValue       IssueCode = "value"        // a primitive breaks its format
	IssueInvariant   IssueCode = "invariant"    // a rule between elements is broken
	IssueCodeInvalid IssueCode = "code-invalid" // a code outside its required value set
	IssueTooCostly   IssueCode = "too-costly"   // nested too deeply
)

// Issue is one reason why a resource is refused.
type Issue struct {
	Severity    string // "error"
	Code        IssueCode
	Diagnostics string // never holds a value from the resource
	Expression  string // FHIRPath of the element, as in "Patient.name[0].given[1]"; empty for the whole
}

// Invalid is the error of a resource that breaks FHIR R4. It holds no value from the resource.
type Invalid struct {
	Issues []Issue // at least one, at most maxIssues
}

// maxIssues bounds the issues collected for one resource.
const maxIssues = 20

func (e *Invalid) Error() string {
	var b strings.Builder
	for i, issue := range e.Issues {
		if i > 0 {
			b.WriteString("; ")
		}
		if issue.Expression != "" {
			fmt.Fprintf(&b, "%s: ", issue.Expression)
		}
		b.WriteString(issue.Diagnostics)
	}
	return b.String()
}

// invalid makes the issues into an error of kind errs.Invalid that errors.As finds an *Invalid in.
func invalid(issues []Issue) error {
	return errs.Wrap(errs.Invalid, &Invalid{Issues: issues}, "not a valid FHIR R4 resource")
}
