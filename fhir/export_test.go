package fhir

import (
	"net/http"

	"github.com/tutela-health/tutela"
)

// ChecksThrough are Checks that ask the API through something that tests put before it.
func (h *Handler) ChecksThrough(before func(http.Handler) http.Handler) []tutela.Check {
	return h.checks(before(h.unguarded()))
}
