package source

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// PatientData looks for patients' data on its way into logs, errors and addresses, in Go. It is a
// supply.FileScanner: it goes by names, which is what a file alone tells.
type PatientData struct{}

// Class is sast.
func (PatientData) Class() supply.Class { return supply.Source }

// Version changes with what is found.
func (PatientData) Version() string { return "1" }

// maxSource is how large a source file may be, in bytes.
const maxSource = 2 << 20

// Wants reports whether a file is Go and no test.
func (PatientData) Wants(path string, size int64) bool {
	return strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && size <= maxSource
}

func inLog() supply.Rule {
	return supply.Rule{ID: "phi.log", Name: "Patient data in a log", Severity: supply.High, CWE: []string{"CWE-532"}, OWASP: []string{"A09:2021"},
		Help: "Logs are read by people who treat nobody, and kept where charts are not. Log ids."}
}

func inError() supply.Rule {
	return supply.Rule{ID: "phi.error", Name: "Patient data in an error", Severity: supply.Medium, CWE: []string{"CWE-209"}, OWASP: []string{"A04:2021"},
		Help: "Errors end in logs and in answers. Name ids, and say what was being done."}
}

func inAddress() supply.Rule {
	return supply.Rule{ID: "phi.url", Name: "Patient data in an address", Severity: supply.High, CWE: []string{"CWE-598"}, OWASP: []string{"A04:2021"},
		Help: "Addresses are in histories, logs and Referer headers. Send it in a body, as in POST _search."}
}

// File looks into a file.
func (PatientData) File(_ context.Context, path string, text []byte) ([]supply.Finding, error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, errors.New("no Go that can be read")
	}
	l := &leaks{finder: supply.NewFinder(text, supply.Rule{}), set: set, parameter: regexp.MustCompile(`[?&]([A-Za-z_-]+)=(?:%[a-z]|$)`)}
	ast.Inspect(tree, l.visit)
	return l.finder.Found, nil
}

// leaks is a look at one file.
type leaks struct {
	finder    supply.Finder
	set       *token.FileSet
	parameter *regexp.Regexp // of an address that a format or a concatenation goes on
}

func (l *leaks) line(n ast.Node) int { return l.set.Position(n.Pos()).Line }

func (l *leaks) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		l.call(n)
	case *ast.BinaryExpr:
		if n.Op == token.ADD {
			l.address(n.X, n)
		}
	}
	return true
}

func (l *leaks) call(c *ast.CallExpr) {
	of, name := callee(c.Fun)
	switch {
	case logs(of, name):
		l.arguments(c, inLog(), "%s goes into the log")
	case of == "fmt" && name == "Errorf", of == "errors" && name == "New":
		l.arguments(c, inError(), "%s goes into an error")
	case (name == "Set" || name == "Add") && len(c.Args) == 2 && queries(of) && sensitive(literal(c.Args[0])):
		l.finder.Add(inAddress(), l.line(c), "%s goes into an address", literal(c.Args[0]))
	case of == "fmt" && (name == "Sprintf" || name == "Fprintf") && len(c.Args) > 0:
		for _, a := range c.Args[:min(2, len(c.Args))] {
			l.address(a, c)
		}
	}
}

// arguments looks for what is named like patient data among what a call is given.
func (l *leaks) arguments(c *ast.CallExpr, r supply.Rule, say string) {
	for _, a := range c.Args {
		if name := exposes(a); name != "" {
			l.finder.Add(r, l.line(c), say, name)
			return
		}
	}
}

// address looks at a text that is put together into an address.
func (l *leaks) address(part ast.Expr, whole ast.Node) {
	for _, m := range l.parameter.FindAllStringSubmatch(literal(part), -1) {
		if sensitive(m[1]) {
			l.finder.Add(inAddress(), l.line(whole), "%s goes into an address", m[1])
			return
		}
	}
}

// callee splits a call's name: what it is called on, and the function.
func callee(e ast.Expr) (of, name string) {
	switch e := e.(type) {
	case *ast.Ident:
		return "", e.Name
	case *ast.SelectorExpr:
		return last(e.X), e.Sel.Name
	}
	return "", ""
}

// last is the last word of a name.
func last(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr:
		return last(e.Fun)
	case *ast.StarExpr:
		return last(e.X)
	case *ast.UnaryExpr:
		return last(e.X)
	case *ast.IndexExpr:
		return last(e.X)
	}
	return ""
}

// logs reports whether a call writes a log or to a terminal.
func logs(of, name string) bool {
	verb := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "Context"), "f"), "ln")
	if of == "fmt" {
		return verb == "Print"
	}
	known := slices.Contains([]string{"Print", "Fatal", "Panic", "Debug", "Info", "Warn", "Warning", "Error", "Trace", "Log"}, verb)
	of = strings.ToLower(of)
	return known && (of == "log" || of == "slog" || strings.HasSuffix(of, "logger") || of == "logrus" || of == "zap" || of == "sugar" || of == "logr" || of == "l" || of == "entry")
}

// queries reports whether something is the query of an address.
func queries(of string) bool {
	of = strings.ToLower(of)
	return of == "q" || of == "query" || strings.HasSuffix(of, "values") || of == "params"
}

// exposes finds what of an argument is named like patient data: its value, not its length or hash, which calls give.
func exposes(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.CallExpr:
		if of, name := callee(e.Fun); safe(of, name) {
			return ""
		}
		for _, a := range e.Args {
			if name := exposes(a); name != "" {
				return name
			}
		}
		if sensitive(last(e.Fun)) {
			return last(e.Fun)
		}
	case *ast.BinaryExpr:
		if name := exposes(e.X); name != "" {
			return name
		}
		return exposes(e.Y)
	case *ast.Ident, *ast.SelectorExpr, *ast.StarExpr, *ast.UnaryExpr, *ast.IndexExpr:
		if name := last(e); sensitive(name) || whole(name) {
			return name
		}
	case *ast.ParenExpr:
		return exposes(e.X)
	}
	return ""
}

// safe reports whether a call gives something else than what it is given.
func safe(of, name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"len", "hash", "mask", "redact", "anonymi", "pseudonym", "hmac", "sum256", "token", "encrypt", "seal", "count", "id"} {
		if name == word || len(word) > 3 && strings.Contains(name, word) {
			return true
		}
	}
	return strings.Contains(strings.ToLower(of), "redact")
}

// normal is a name without its case and joints.
func normal(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

// sensitive reports whether a name says that it holds what identifies or describes a patient (45 CFR 164.514(b)(2)(i)
// lists the identifiers).
func sensitive(name string) bool {
	switch n := normal(name); n {
	case "ssn", "socialsecuritynumber", "socialsecurity", "mrn", "medicalrecordnumber", "birthdate", "dateofbirth", "dob", "birthday",
		"patientname", "patientaddress", "patientphone", "patientemail", "familyname", "givenname", "fullname", "maidenname",
		"phonenumber", "homeaddress", "insurancenumber", "memberid", "healthplannumber", "diagnosis", "diagnoses", "prognosis",
		"labresult", "labresults", "testresult", "medications", "allergies", "clinicalnote", "clinicalnotes", "progressnote", "hivstatus":
		return true
	default:
		return strings.HasSuffix(n, "ssn") && len(n) > 4 || strings.HasSuffix(n, "mrn") && len(n) > 4 || strings.HasSuffix(n, "birthdate")
	}
}

// whole reports whether a name says that it is a whole record.
func whole(name string) bool {
	switch normal(name) {
	case "patient", "patientrecord", "patientdata", "healthrecord", "medicalrecord", "observation", "diagnosticreport":
		return true
	}
	return false
}

// literal is a text that stands in the source.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text
		}
	case *ast.BinaryExpr:
		return literal(e.Y) // of a + "?ssn=" + b the part that the value follows
	}
	return ""
}
