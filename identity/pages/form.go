package pages

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// errorBody is what an error's page says.
type errorBody struct {
	Text      string
	Request   string
	Back      string
	BackLabel string
}

// amiss tells what was wrong with a form, for the page to be drawn again with status. Whatever a
// person cannot mend by filling it in otherwise stays an error.
func amiss(field string, err error) (status int, p problem, fatal error) {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Unauthenticated, errs.TooMany, errs.Conflict, errs.Unprocessable, errs.Precondition:
		return httpx.Status(err), problem{Field: field, Text: sentence(errs.Public(err))}, nil
	case errs.Internal, errs.Denied, errs.NotFound, errs.Gone, errs.TooLarge, errs.Unsupported, errs.Unavailable:
		return 0, problem{}, err
	default:
		return 0, problem{}, err
	}
}

// errorTitle heads an error's page.
func errorTitle(status int) string {
	switch {
	case status == http.StatusForbidden:
		return "Not allowed"
	case status == http.StatusNotFound:
		return "Not here"
	case status == http.StatusGone:
		return "No longer valid"
	case status == http.StatusTooManyRequests:
		return "Too many tries"
	case status >= http.StatusInternalServerError:
		return "Something failed on our side"
	default:
		return "That did not work"
	}
}

// sentence makes a text of an error a sentence.
func sentence(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	text = string(unicode.ToUpper(r)) + text[n:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// lines splits what was typed one a line.
func lines(text string) []string {
	var list []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			list = append(list, l)
		}
	}
	return list
}

func writeJSON(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) } // the peer may be gone
