package fhir

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/r4"
)

const contentType = "application/fhir+json; charset=utf-8"

// acceptable refuses a request that wants anything but JSON. _format overrides Accept
// (FHIR R4, http.html#parameters).
func acceptable(r *http.Request) error {
	if strings.Contains(r.URL.RawQuery, "format") || strings.Contains(r.URL.RawQuery, "%") { // few ask for one
		if q, err := url.ParseQuery(r.URL.RawQuery); err == nil && q.Has("_format") {
			return jsonOnly(q.Get("_format"))
		}
	}
	accept := r.Header.Get("Accept")
	if accept == "" {
		return nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		if jsonOnly(strings.TrimSpace(part)) == nil {
			return nil
		}
	}
	return notJSON()
}

func jsonOnly(media string) error {
	if isJSON(media) {
		return nil
	}
	name, _, err := mime.ParseMediaType(strings.ReplaceAll(media, " ", "+"))
	if err != nil || !isJSON(name) {
		return notJSON()
	}
	return nil
}

// isJSON knows the names of what is offered.
func isJSON(name string) bool {
	switch name {
	case "json", "*/*", "application/*", "application/json", "application/fhir+json", "text/json", "application/json+fhir":
		return true
	}
	return false
}

func notJSON() error {
	return errs.New(errs.NotAcceptable, "only JSON is offered: ask for application/fhir+json")
}

// read takes the body of the interactions that have one.
func (in *interaction) read(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return nil
	}
	want, form := "application/fhir+json", in.action == tutela.ActionSearch
	if form {
		want = "application/x-www-form-urlencoded"
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != want && (form || media != "application/json") {
		return errs.New(errs.MediaType, "send the body as %s", want)
	}
	body, err := httpx.Body(w, r, MaxBody)
	if err != nil {
		return err
	}
	if form {
		in.form = string(body)
	} else {
		in.body = body
	}
	return nil
}

// prefers reports whether the caller asks for a preference, as in return=minimal (RFC 7240).
func prefers(h http.Header, what string) bool {
	for _, line := range h.Values("Prefer") {
		for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ',' || r == ';' }) {
			if strings.EqualFold(strings.TrimSpace(part), what) {
				return true
			}
		}
	}
	return false
}

func knownType(name string) bool { return r4.IsResourceType(name) }
