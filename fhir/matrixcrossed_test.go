package fhir_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/rig"
)

// What of the matrix changes something, or crosses into the other tenant.

// cross takes the role's token to the other tenant, where every request is answered like one with nonsense.
func (m *matrix) cross(t *testing.T) {
	t.Helper()
	told := func(token string, c rig.Call) string {
		c.Header["Authorization"] = "Bearer " + token
		a := m.other.Do(t, c)
		return fmt.Sprint(a.Status, " ", a.Header.Get("WWW-Authenticate"), " ", string(a.Body))
	}
	nonsense := told("tut_nonsense", get("Patient/foreign"))
	for _, x := range m.all {
		if x.at.name != "foreign" {
			continue
		}
		for _, c := range []rig.Call{
			get(x.ref), get(x.ref + "/_history"), get(x.ref + "/_history/1"), get(x.typ), get(x.typ + "?_id=" + x.id(x.at) + "&_summary=count"), get(x.ref, "If-None-Match", `W/"1"`),
			post("", bundle("batch", req{method: "GET", url: x.ref})), post(x.typ, x.text), put(x.ref, x.text), del(x.ref),
		} {
			if got := told(m.r.Token(t, m.as), c); got != nonsense || !strings.HasPrefix(got, "401 ") {
				m.errorf(t, "other tenant: "+c.Method+" "+c.Path, "%s, unlike nonsense: %s", got, nonsense)
			}
		}
	}
}

// write tries to create, to update and to delete.
func (m *matrix) write(t *testing.T) {
	t.Helper()
	for _, x := range m.all {
		if x.at.name == "foreign" && m.role == string(access.RoleService) {
			continue // by that name it would make one of its own here
		}
		cell := m.cell(t, x)
		body := x.text
		if strings.Contains(cell, "m") {
			body = x.asSent(x.at, x.id(x.at))
		}
		if x.typ != "Patient" { // who creates a Patient creates one of no chart
			m.attempt(t, x, strings.Contains(cell, "c"), post(x.typ, body), http.StatusCreated)
			m.attempt(t, x, strings.Contains(cell, "c"), post("", bundle("transaction", req{method: "POST", url: x.typ, resource: body})), http.StatusOK)
		}
		m.attempt(t, x, strings.Contains(cell, "u"), put(x.ref, body), http.StatusOK)
		if m.role != string(access.RoleService) {
			m.attempt(t, x, false, put(x.ref+"-new", strings.Replace(body, `"id":"`+x.id(x.at), `"id":"`+x.id(x.at)+"-new", 1)), 0)
			m.attempt(t, x, false, post(x.typ, body, "If-None-Exist", "_id="+x.id(x.at)), 0)
		}
		m.attempt(t, x, strings.Contains(cell, "d"), del(x.ref), http.StatusNoContent)
		if strings.Contains(cell, "d") {
			m.r.Put(t, x.text)
		}
	}
}

func (m *matrix) attempt(t *testing.T, x thing, allowed bool, c rig.Call, done int) {
	t.Helper()
	a := m.r.Do(t, asking(m.as, c))
	if allowed && a.Status != done || !allowed && a.Status != http.StatusForbidden && a.Status != http.StatusNotFound {
		m.errorf(t, x.ref, "%s %s: %d %s", c.Method, c.Path, a.Status, a.Body)
	}
}
