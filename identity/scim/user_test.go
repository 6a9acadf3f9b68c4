package scim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
)

func TestJoinerHasNoCredentialsUntilInvited(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		r := n.do(http.MethodPost, "/Users", ann).want(t, "create", http.StatusCreated)
		if r.header.Get("Location") != base+"/scim/v2/Users/"+r.text("id") || r.header.Get("ETag") == "" || r.header.Get("Content-Type") != "application/scim+json" {
			t.Errorf("headers %v", r.header)
		}
		delete(r.body, "meta")
		delete(r.body, "id")
		want := map[string]any{
			"schemas":  []any{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"},
			"userName": "ann", "externalId": "E-17", "displayName": "Ann Lee", "active": true,
			"name":   map[string]any{"givenName": "Ann", "familyName": "Lee"},
			"emails": []any{map[string]any{"value": "ann@clinic.test", "type": "work", "primary": true}},
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": map[string]any{"department": "ward-2"},
		}
		if diff := cmp.Diff(want, r.body); diff != "" {
			t.Error(diff)
		}
		u, err := n.identity.User(t.Context(), "ann")
		must(t, err)
		if u.State() != "to be invited" || len(u.Roles) > 0 {
			t.Errorf("a joiner is %s with roles %v", u.State(), u.Roles)
		}
		if _, err := n.identity.IssueFor(t.Context(), identity.IssueRequest{User: u.ID, Client: "app"}); err == nil {
			t.Error("a joiner gets a token")
		}
		inv, err := n.identity.InviteOwner(t.Context(), n.admin(), u.ID)
		must(t, err)
		if _, err := n.identity.AcceptInvitation(t.Context(), inv.Token, "seven violet tractors hum"); err != nil {
			t.Errorf("taking the invitation up: %v", err)
		}
		if len(n.entries(tutela.ActionUserCreate)) == 0 || len(n.entries(tutela.ActionUserInvite)) != 1 {
			t.Error("the ledger does not tell of it")
		}
	})
}

func TestUsersAreFoundByFilterAndPage(t *testing.T) {
	n := one(t)
	for i := range 7 {
		n.add(fmt.Sprintf(`{"userName":"user%d","externalId":"X%d","active":%v,"name":{"familyName":"O\"Hara"},"emails":[{"value":"u%d@clinic.test"}]}`, i, i, i%2 == 0, i))
	}
	id := n.do(http.MethodGet, `/Users?filter=userName+eq+"USER3"`, "").body["Resources"].([]any)[0].(map[string]any)["id"].(string)
	for filter, want := range map[string]int{
		`userName eq "user3"`:                                             1,
		`USERNAME EQ "UsEr3"`:                                             1, // names, operators and this value ignore case
		`userName co "ser"`:                                               7,
		`userName sw "user" and active eq true`:                           4,
		`active eq "False"`:                                               3,
		`active eq false or externalId eq "X0"`:                           4,
		`externalId eq "x0"`:                                              0, // ids are exact
		`externalId pr`:                                                   7,
		`displayName pr`:                                                  0,
		`not (externalId pr)`:                                             0,
		`emails.value eq "u1@clinic.test"`:                                1,
		`emails eq "u1@clinic.test"`:                                      1,
		`emails[type eq "work" and value sw "u1"]`:                        1,
		`name.familyName eq "O\"Hara"`:                                    7,
		`id eq "` + id + `"`:                                              1,
		`meta.created gt "2000-01-01T00:00:00Z"`:                          7,
		`meta.created lt "2000-01-01T00:00:00Z"`:                          0,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName ew "3"`:      1,
		`(userName eq "user1" or userName eq "user2") and active eq true`: 1,
		`userName eq "user1" or userName eq "user2" and active eq false`:  1, // and binds closer
		`userName ne "user1"`:                                             6,
		`title eq null`:                                                   -1,
		`displayName eq null`:                                             7,
	} {
		r := n.do(http.MethodGet, "/Users?filter="+queryEscape(filter), "")
		if want < 0 {
			r.want(t, filter, http.StatusBadRequest, "invalidFilter")
			continue
		}
		r.want(t, filter, http.StatusOK)
		if got := r.body["totalResults"]; got != float64(want) {
			t.Errorf("%s: %v found, want %d", filter, got, want)
		}
	}
	for query, want := range map[string][3]float64{ // start, on the page, in all
		"":                       {1, 7, 7},
		"startIndex=6&count=5":   {6, 2, 7},
		"startIndex=0&count=2":   {1, 2, 7},
		"startIndex=-4&count=-1": {1, 0, 7},
		"startIndex=100":         {100, 0, 7},
		"count=0":                {1, 0, 7},
	} {
		r := n.do(http.MethodGet, "/Users?"+query, "").want(t, query, http.StatusOK)
		list, _ := r.body["Resources"].([]any)
		got := [3]float64{r.body["startIndex"].(float64), r.body["itemsPerPage"].(float64), r.body["totalResults"].(float64)}
		if got != want || len(list) != int(want[1]) {
			t.Errorf("%s: %v with %d, want %v", query, got, len(list), want)
		}
	}
	n.do(http.MethodGet, "/Users?count=many", "").want(t, "a count in words", http.StatusBadRequest, "invalidValue")
}

func TestOnlyWantedAttributesAreShown(t *testing.T) {
	n := one(t)
	id := n.add(ann)
	for query, want := range map[string]string{
		"attributes=userName":                "id schemas userName",
		"attributes=USERNAME,name.givenName": "id name schemas userName",
		"attributes=nothing":                 "id schemas",
		"excludedAttributes=meta,emails,name,userName,id,schemas,active,externalId": "displayName id schemas urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
	} {
		r := n.do(http.MethodGet, "/Users/"+id+"?"+query, "").want(t, query, http.StatusOK)
		if got := strings.Join(sortedKeys(r.body), " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	r := n.do(http.MethodGet, "/Users/"+id+"?attributes=name.givenName", "")
	if diff := cmp.Diff(map[string]any{"givenName": "Ann"}, r.body["name"]); diff != "" {
		t.Error(diff)
	}
}

// dialects are ways in which directories write the same change.
func TestChangesInEveryDialect(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		id := n.add(ann)
		for _, c := range []struct {
			name, op string
			want     func(identity.User) bool
		}{
			{"Entra switches off", `{"op":"Replace","path":"active","value":"False"}`, func(u identity.User) bool { return u.Disabled }},
			{"Entra switches on without a path", `{"op":"Add","value":{"active":"True"}}`, func(u identity.User) bool { return !u.Disabled }},
			{"Okta switches off without a path", `{"op":"replace","value":{"active":false}}`, func(u identity.User) bool { return u.Disabled }},
			{"by the standard", `{"op":"replace","path":"active","value":true}`, func(u identity.User) bool { return !u.Disabled }},
			{
				"Entra sets dotted names", `{"op":"Replace","value":{"name.givenName":"Anna","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"ward-3"}}`,
				func(u identity.User) bool {
					return u.Name.Given == "Anna" && u.Name.Family == "Lee" && u.Unit == "ward-3"
				},
			},
			{
				"the path in full", `{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:name.familyName","value":"Ray"}`,
				func(u identity.User) bool { return u.Name.Family == "Ray" && u.Name.Given == "Anna" },
			},
			{
				"one part of a name", `{"op":"replace","path":"name","value":{"givenName":"Anne"}}`,
				func(u identity.User) bool { return u.Name.Given == "Anne" && u.Name.Family == "Ray" },
			},
			{
				"an address by its type", `{"op":"replace","path":"emails[type eq \"work\"].value","value":"anne@clinic.test"}`,
				func(u identity.User) bool { return u.Email == "anne@clinic.test" },
			},
			{"addresses go", `{"op":"remove","path":"emails"}`, func(u identity.User) bool { return u.Email == "" }},
			{
				"an address by its type that is not there", `{"op":"Add","path":"emails[type eq \"work\"].value","value":"ann@clinic.test"}`,
				func(u identity.User) bool { return u.Email == "ann@clinic.test" },
			},
			{"null is no value", `{"op":"replace","path":"externalId","value":null}`, func(u identity.User) bool { return u.External == "" }},
			{
				"what is not kept stops nobody from leaving", `{"op":"replace","path":"phoneNumbers[type eq \"work\"].value","value":"1"},{"op":"replace","path":"title","value":"x"},{"op":"replace","path":"active","value":"false"}`,
				func(u identity.User) bool { return u.Disabled },
			},
		} {
			n.do(http.MethodPatch, "/Users/"+id, patch(c.op)).want(t, c.name, http.StatusOK)
			if u := n.user(id); !c.want(u) {
				t.Errorf("%s: %+v", c.name, u)
			}
		}
	})
}

// What a directory puts in whole replaces what was there; who it says nothing of being active stays.
func TestReplacingAUser(t *testing.T) {
	n := one(t)
	id := n.add(ann)
	n.do(http.MethodPatch, "/Users/"+id, patch(`{"op":"replace","path":"active","value":false}`)).want(t, "off", http.StatusOK)
	n.do(http.MethodPut, "/Users/"+id, `{"userName":"ann.lee","id":"other","groups":[],"password":"1mz050nq"}`).want(t, "put", http.StatusOK)
	u := n.user(id)
	if u.Username != "ann.lee" || u.Name.String() != "" || u.Email != "" || u.Unit != "" || !u.Disabled {
		t.Errorf("%+v", u)
	}
	n.do(http.MethodPut, "/Users/"+id, `{"displayName":"nobody"}`).want(t, "without a name", http.StatusBadRequest, "invalidValue")
}

func TestVersionsGuardAgainstLostUpdates(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		id := n.add(ann)
		first := n.do(http.MethodGet, "/Users/"+id, "").header.Get("ETag")
		n.do(http.MethodGet, "/Users/"+id, "", with("If-None-Match", first)).want(t, "unchanged", http.StatusNotModified)
		off := patch(`{"op":"replace","path":"displayName","value":"A. Lee"}`)
		second := n.do(http.MethodPatch, "/Users/"+id, off, with("If-Match", first)).want(t, "the right version", http.StatusOK).header.Get("ETag")
		if first == second {
			t.Error("a change has the same version")
		}
		n.do(http.MethodPatch, "/Users/"+id, off, with("If-Match", first)).want(t, "an old version", http.StatusPreconditionFailed)
		n.do(http.MethodDelete, "/Users/"+id, "", with("If-Match", `W/"x", `+first)).want(t, "deleting an old version", http.StatusPreconditionFailed)
		n.do(http.MethodPut, "/Users/"+id, ann, with("If-Match", `W/"x", `+second)).want(t, "one of several", http.StatusOK)
		n.do(http.MethodDelete, "/Users/"+id, "", with("If-Match", "*")).want(t, "any", http.StatusNoContent)
	})
}

// A person who was removed is gone for the directory; whoever gets the name is somebody else.
func TestNameOfARemovedPersonGoesToANewOne(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		old := n.person("ann", "nurse")
		token := n.bearer(old)
		n.do(http.MethodDelete, "/Users/"+string(old.ID), "").want(t, "delete", http.StatusNoContent)
		if n.works(token) {
			t.Error("the token outlived its person")
		}
		n.do(http.MethodGet, "/Users/"+string(old.ID), "").want(t, "read", http.StatusNotFound)
		n.do(http.MethodDelete, "/Users/"+string(old.ID), "").want(t, "delete again", http.StatusNotFound)
		fresh := n.add(ann)
		if fresh == string(old.ID) {
			t.Error("the new person has the old one's id: the ledger would mix them up")
		}
		if u := n.user(string(old.ID)); u.State() != "removed" || u.Enrolled {
			t.Errorf("the old account is %s, with factors: %v", u.State(), u.Enrolled)
		}
		if err := n.identity.Enable(t.Context(), n.admin(), old.ID); err == nil {
			t.Error("a removed account was enabled")
		}
	})
}

func TestNamesAreTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		id := n.add(ann)
		n.add(`{"userName":"bob"}`)
		n.do(http.MethodPost, "/Users", `{"userName":"ANN"}`).want(t, "another Ann", http.StatusConflict, "uniqueness")
		n.do(http.MethodPost, "/Users", `{"userName":"carl","externalId":"E-17"}`).want(t, "Ann's external id", http.StatusConflict, "uniqueness")
		n.do(http.MethodPatch, "/Users/"+id, patch(`{"op":"replace","path":"userName","value":"bob"}`)).want(t, "Bob's name", http.StatusConflict, "uniqueness")
		n.do(http.MethodPost, "/Users", `{"userName":"ann lee"}`).want(t, "a space", http.StatusBadRequest, "invalidValue")
		n.do(http.MethodPost, "/Users", `{"userName":"аnn2"}`).want(t, "a Cyrillic a", http.StatusBadRequest, "invalidValue")
	})
}

func TestTheServerDescribesItself(t *testing.T) {
	n := one(t)
	config := n.do(http.MethodGet, "/ServiceProviderConfig", "").want(t, "config", http.StatusOK)
	for name, supported := range map[string]bool{"patch": true, "bulk": false, "changePassword": false, "etag": true, "filter": true, "sort": false} {
		if part, _ := config.body[name].(map[string]any); part["supported"] != supported {
			t.Errorf("%s: %v", name, config.body[name])
		}
	}
	types := n.do(http.MethodGet, "/ResourceTypes", "").want(t, "types", http.StatusOK)
	for _, item := range types.body["Resources"].([]any) {
		typ := item.(map[string]any)
		n.do(http.MethodGet, "/ResourceTypes/"+typ["name"].(string), "").want(t, "one type", http.StatusOK)
		n.do(http.MethodGet, typ["endpoint"].(string), "").want(t, "its endpoint", http.StatusOK)
		n.do(http.MethodGet, "/Schemas/"+typ["schema"].(string), "").want(t, "its schema", http.StatusOK)
	}
	schemas := n.do(http.MethodGet, "/Schemas", "").want(t, "schemas", http.StatusOK)
	if schemas.body["totalResults"] != 4.0 || strings.Contains(schemas.raw, `"password"`) || strings.Contains(schemas.raw, `"roles"`) {
		t.Errorf("schemas: %s", schemas.raw)
	}
	for _, path := range []string{"/ResourceTypes/Role", "/Schemas/urn:x", "/Bulk", "/Me", "/Users/x/y"} {
		n.do(http.MethodGet, path, "").want(t, path, http.StatusNotFound)
	}
	n.do(http.MethodGet, "/Schemas?filter=id+pr", "").want(t, "a filter on schemas", http.StatusForbidden)
	n.do(http.MethodPost, "/Bulk", `{}`).want(t, "bulk", http.StatusNotFound)
}
