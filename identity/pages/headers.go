package pages

import (
	"net/http"
	"strings"
)

// policy is the Content-Security-Policy of every page. Forms go to this origin, and on consent
// pages also where the answer is then sent: browsers hold form-action against redirects too.
func policy(formTarget string) string {
	target := "'self'"
	if formTarget != "" && !strings.ContainsAny(formTarget, ";, \t\r\n'*") {
		target += " " + formTarget
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
		"connect-src 'self'; form-action " + target + "; frame-ancestors 'none'; base-uri 'none'; " +
		"require-trusted-types-for 'script'"
}

// harden sets the headers of a page. Pages hold what is about a person, so no cache keeps them.
func harden(w http.ResponseWriter, formTarget string) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy(formTarget))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // "no-referrer" would make browsers send forms with "Origin: null"
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), publickey-credentials-get=(self), publickey-credentials-create=(self)")
}
