package scim_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

const extension = "urn:ietf:params:scim:schemas:extension:tutela:2.0:User"

// cleared makes a person whom the directory reaches, cleared for HIV.
func (n *node) cleared() identity.User {
	n.t.Helper()
	u := n.person("ann", "nurse")
	officer := n.person("vera", "privacy")
	must(n.t, n.identity.AskClearance(n.t.Context(), n.admin(), u.ID, []string{"HIV"}))
	by := n.admin()
	by.ID, by.Username, by.Roles = officer.ID, officer.Username, officer.Roles
	must(n.t, n.identity.DecideClearance(n.t.Context(), by, u.ID, []string{"HIV"}, true))
	return n.user(string(u.ID))
}

// A directory sees what its people are cleared for. Nothing that it says gives or takes any of it.
func TestDirectoryNeitherGivesNorTakesClearances(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		u := n.cleared()
		at := "/Users/" + string(u.ID)
		r := n.do(http.MethodGet, at, "").want(t, "read", http.StatusOK)
		if diff := cmp.Diff(map[string]any{"clearances": []any{"HIV"}}, r.body[extension]); diff != "" {
			t.Error(diff)
		}
		for name, value := range map[string]string{
			"more": `{"` + extension + `":{"clearances":["HIV","PSY"]}}`, "less": `{"` + extension + `":{"clearances":[]}}`,
			"others": `{"` + extension + `:clearances":["V"]}`, "none": `{"` + extension + `":null}`,
		} {
			n.do(http.MethodPatch, at, patch(`{"op":"replace","value":`+value+`}`)).want(t, "replace by "+name, http.StatusBadRequest, "mutability")
			if name != "others" { // by a path, which PUT does not have
				put := `{"userName":"ann","displayName":"` + name + `",` + value[1:]
				n.do(http.MethodPut, at, put).want(t, "put "+name, http.StatusOK)
			}
			if diff := cmp.Diff([]string{"HIV"}, n.user(string(u.ID)).Clearances); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		n.do(http.MethodPatch, at, patch(`{"op":"remove","path":"`+extension+`:clearances"}`)).want(t, "remove", http.StatusBadRequest, "mutability")
		n.do(http.MethodPatch, at, patch(`{"op":"replace","path":"displayName","value":"Ann"}`)).want(t, "another attribute", http.StatusOK)
		if got := n.user(string(u.ID)); !cmp.Equal([]string{"HIV"}, got.Clearances) || got.Clearing != nil {
			t.Errorf("after all: cleared for %v, asked for %v", got.Clearances, got.Clearing)
		}
		made := n.do(http.MethodPost, "/Users", `{"userName":"new","`+extension+`":{"clearances":["HIV"]}}`).want(t, "create", http.StatusCreated)
		if got := n.user(made.text("id")); len(got.Clearances) > 0 || got.Clearing != nil {
			t.Errorf("a joiner is cleared for %v", got.Clearances)
		}
		n.do(http.MethodDelete, at, "").want(t, "delete", http.StatusNoContent)
		gone, err := n.identity.UserByID(t.Context(), u.ID)
		if err != nil && !errs.Is(err, errs.NotFound) || len(gone.Clearances) > 0 {
			t.Errorf("who left is cleared for %v (%v)", gone.Clearances, err)
		}
	})
}
