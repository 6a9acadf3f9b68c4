package oauth

import (
	"mime"
	"net/http"
	"net/url"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// maxParams bounds a request's parameters.
const maxParams = 64 << 10

// params are a request's parameters, each given at most once (RFC 6749, 3.1 and 3.2).
type params map[string]string

// single reads parameters that must not repeat.
func single(values url.Values) (params, error) {
	p := params{}
	for name, list := range values {
		if len(list) > 1 {
			return nil, badRequest(codeInvalidRequest, "a parameter is there more than once")
		}
		p[name] = list[0]
	}
	return p, nil
}

// form reads the body of a form post, and nothing of the address.
func form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, badRequest(codeInvalidRequest, "send application/x-www-form-urlencoded")
	}
	body, err := httpx.Body(w, r, maxParams)
	if errs.Is(err, errs.TooLarge) {
		return nil, &oauthError{Status: http.StatusRequestEntityTooLarge, Code: codeInvalidRequest, Text: errs.Public(err)}
	}
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badRequest(codeInvalidRequest, "the form cannot be read")
	}
	return values, nil
}

// formParams reads a form whose fields are there at most once.
func formParams(w http.ResponseWriter, r *http.Request) (params, error) {
	values, err := form(w, r)
	if err != nil {
		return nil, err
	}
	return single(values)
}

// sameOrigin reports whether a form was sent by a page of ours (Fetch Metadata; RFC 6454, 7). It
// stands beside the sealed request, which no other site can have.
func (s *Server) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	origin := r.Header.Get("Origin")
	return origin == "" || origin == s.cfg.Issuer || origin == "https://"+r.Host
}
