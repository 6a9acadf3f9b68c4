package scim_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
)

func queryEscape(text string) string { return url.QueryEscape(text) }

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// group gives the id of a group.
func (n *node) group(name string) string {
	n.t.Helper()
	r := n.do(http.MethodGet, "/Groups?filter="+queryEscape(`displayName eq "`+name+`"`), "").want(n.t, "find group", http.StatusOK)
	list, _ := r.body["Resources"].([]any)
	if len(list) != 1 {
		n.t.Fatalf("%d groups named %s", len(list), name)
	}
	return list[0].(map[string]any)["id"].(string)
}

// members gives who is in a group.
func (n *node) members(group string) []string {
	n.t.Helper()
	r := n.do(http.MethodGet, "/Groups/"+group, "").want(n.t, "read group", http.StatusOK)
	list := []string{}
	for _, m := range r.body["members"].([]any) {
		list = append(list, m.(map[string]any)["value"].(string))
	}
	slices.Sort(list)
	return list
}

func member(ids ...string) string {
	text := ""
	for i, id := range ids {
		if i > 0 {
			text += ","
		}
		text += `{"value":"` + id + `"}`
	}
	return "[" + text + "]"
}

func TestMembersHaveTheRoleOfTheirGroup(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		a, b := n.add(ann), n.add(`{"userName":"bob"}`)
		ward, doctors := n.group("Ward 2"), n.group("Doctors")
		for _, c := range []struct {
			name, group, method, body string
			roles                     [2][]string // of Ann, of Bob
		}{
			{"both come", ward, http.MethodPatch, patch(`{"op":"Add","path":"members","value":` + member(a, b) + `}`), [2][]string{{"nurse"}, {"nurse"}}},
			{"coming again is nothing", ward, http.MethodPatch, patch(`{"op":"add","path":"members","value":` + member(a) + `}`), [2][]string{{"nurse"}, {"nurse"}}},
			{"Ann is a doctor too", doctors, http.MethodPatch, patch(`{"op":"add","value":{"members":` + member(a) + `}}`), [2][]string{{"nurse", "physician"}, {"nurse"}}},
			{"Ann leaves by the standard", ward, http.MethodPatch, patch(`{"op":"remove","path":"members[value eq \"` + a + `\"]"}`), [2][]string{{"physician"}, {"nurse"}}},
			{"Bob leaves in Entra's way", ward, http.MethodPatch, patch(`{"op":"Remove","path":"members","value":` + member(b) + `}`), [2][]string{{"physician"}, nil}},
			{"Bob takes Ann's place", doctors, http.MethodPatch, patch(`{"op":"replace","path":"members","value":` + member(b) + `}`), [2][]string{nil, {"physician"}}},
			{"Okta repeats id and name", doctors, http.MethodPatch, patch(`{"op":"replace","value":{"id":"` + doctors + `","displayName":"Doctors"}}`), [2][]string{nil, {"physician"}}},
			{"the whole group", doctors, http.MethodPut, `{"displayName":"Doctors","members":` + member(a, b) + `}`, [2][]string{{"physician"}, {"physician"}}},
			{"nobody", doctors, http.MethodPatch, patch(`{"op":"remove","path":"members"}`), [2][]string{nil, nil}},
		} {
			n.do(c.method, "/Groups/"+c.group, c.body).want(t, c.name, http.StatusOK)
			got := [2][]string{n.user(a).Roles, n.user(b).Roles}
			for i := range got {
				if len(got[i]) == 0 {
					got[i] = nil
				}
			}
			if diff := cmp.Diff(c.roles, got); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		}
	})
}

// Two groups give one role: who moves from one to the other keeps it, in whichever order that is told.
func TestMovingBetweenGroupsOfOneRole(t *testing.T) {
	n := one(t)
	a := n.add(ann)
	first, second := n.group("nurse"), n.group("Ward 2")
	add, remove := patch(`{"op":"add","path":"members","value":`+member(a)+`}`), patch(`{"op":"remove","path":"members[value eq \"`+a+`\"]"}`)
	for _, step := range []struct{ group, body string }{{first, add}, {second, add}, {first, remove}} {
		n.do(http.MethodPatch, "/Groups/"+step.group, step.body).want(t, "move", http.StatusOK)
	}
	if diff := cmp.Diff([]string{"nurse"}, n.user(a).Roles); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{}, {a}}, [][]string{n.members(first), n.members(second)}); diff != "" {
		t.Error(diff)
	}
	r := n.do(http.MethodGet, "/Users?filter="+queryEscape(`groups.value eq "`+second+`"`), "").want(t, "by group", http.StatusOK)
	if r.body["totalResults"] != 1.0 {
		t.Errorf("%v in the group", r.body["totalResults"])
	}
	n.do(http.MethodGet, "/Groups?filter="+queryEscape(`members[value eq "`+a+`"]`), "").want(t, "groups of a person", http.StatusOK)
	n.do(http.MethodDelete, "/Groups/"+second, "").want(t, "delete", http.StatusNoContent)
	if roles := n.user(a).Roles; len(roles) > 0 || len(n.members(second)) > 0 {
		t.Errorf("roles %v after the group was emptied", roles)
	}
}

// Losing a role ends what was given under it.
func TestLeavingAGroupEndsTokens(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		u := n.person("nora", "nurse")
		ward := n.group("Ward 2")
		n.do(http.MethodPatch, "/Groups/"+ward, patch(`{"op":"add","path":"members","value":`+member(string(u.ID))+`}`)).want(t, "add", http.StatusOK)
		token := n.bearer(n.user(string(u.ID)))
		n.do(http.MethodDelete, "/Groups/"+ward, "").want(t, "empty", http.StatusNoContent)
		if n.works(token) {
			t.Error("the token outlived the role")
		}
		if len(n.entries(tutela.ActionUserRoles)) == 0 {
			t.Error("the ledger does not tell of it")
		}
	})
}
