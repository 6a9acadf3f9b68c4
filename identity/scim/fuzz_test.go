package scim

import (
	"reflect"
	"testing"
)

// sample is a user as filters and patches meet one.
func sample() object {
	return object{
		"id": "u", "userName": "ann", "active": true, "schemas": []any{urnUser}, "meta": object{"created": "2026-11-22T09:30:00Z"},
		"emails": []any{object{"value": "ann@clinic.test", "type": "work", "primary": true}}, "name": object{"familyName": "Lee"},
		"groups": []any{object{"value": "g"}}, urnEnterprise: object{"department": "ward"},
	}
}

// Whatever comes as a filter is refused or answered, and is the question that its negation is not.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`userName eq "ann"`, `not (active eq true and emails[type eq "work" or value pr])`, `meta.created ge "2026-01-01T00:00:00Z"`,
		urnEnterprise + `:department sw "w"`, `((`, `id eq null`, `name.familyName co "\u00e9"`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := users().parseFilter(text)
		if err != nil {
			return
		}
		n, err := users().parseFilter("not (" + text + ")")
		if err != nil {
			return // the bounds
		}
		if o := sample(); q.asks(o) == n.asks(o) {
			t.Errorf("%q and its negation agree", text)
		}
	})
}

// Whatever comes as a PATCH leaves the object that it was made on as it was, and never changes what
// nobody may change; what comes out has a profile's form.
func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`{"op":"replace","path":"active","value":"False"}`, `{"op":"add","value":{"emails[type eq \"home\"].value":"x","groups":[]}}`,
		`{"op":"remove","path":"emails[primary eq true]"}`, `{"op":"remove","path":"displayName","value":[{"value":1}]}`,
		`{"op":"add","path":"` + urnEnterprise + `","value":{"department":"x"}}`, `{"op":"replace","path":"emails.value","value":"x"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, op []byte) {
		body, err := decode([]byte(`{"schemas":["` + urnPatch + `"],"Operations":[` + string(op) + `]}`))
		if err != nil {
			return
		}
		ops, err := parsePatch(body)
		if err != nil {
			return
		}
		before := sample()
		after, err := users().patched(before, ops)
		if !reflect.DeepEqual(before, sample()) {
			t.Fatalf("%s changed what it was made on", op)
		}
		if err != nil {
			return
		}
		for _, name := range []string{"id", "meta", "groups"} {
			if !reflect.DeepEqual(before[name], after[name]) {
				t.Fatalf("%s changed %s", op, name)
			}
		}
		if _, err := users().canonical(after); err != nil {
			t.Errorf("%s leaves no user: %v", op, err)
		}
	})
}
