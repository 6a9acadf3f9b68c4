package audit

import (
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tutela-health/tutela"
)

// TestEntryIsWrittenAsItIsMarshalled holds appendEntry against the encoder over entries whose every
// field, also one that is added later, is sometimes empty and sometimes not.
func TestEntryIsWrittenAsItIsMarshalled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e tutela.Entry
		scatter(t, reflect.ValueOf(&e).Elem())
		want, err := marshalEntry(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := appendEntry([]byte("before"), &e)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff("before"+string(want), string(got)); d != "" {
			t.Error(d)
		}
		sameAsDecoded(t, want)
	})
}

// sameAsDecoded holds what readEntry makes of bytes, if it makes anything of them, against the decoder.
func sameAsDecoded(t interface{ Errorf(string, ...any) }, body []byte) {
	got, ok := readEntry(body)
	if !ok {
		return
	}
	var want tutela.Entry
	if err := json.Unmarshal(body, &want); err != nil {
		t.Errorf("%q was read, the decoder says %v", body, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%q: %s", body, d)
	}
}

// TestUsualEntriesAreReadByHand holds that readEntry is not merely always false.
func TestUsualEntriesAreReadByHand(t *testing.T) {
	e := fullEntry(time.Date(2026, 11, 22, 9, 30, 0, 5_000_000, time.UTC))
	e.Disclosure, e.Subject, e.Evidence, e.Writes = nil, nil, nil, nil
	e.Basis.Consent, e.Basis.Relationship = "", ""
	e.Patients = append(e.Patients, tutela.Touched{Patient: -7}, tutela.Touched{Patient: 1 << 62, Counts: map[string]int{"A": 1, "B": -2}})
	body, err := appendEntry(nil, &e)
	must(t, err)
	got, ok := readEntry(body)
	if d := cmp.Diff(e, got); !ok || d != "" {
		t.Errorf("read %v: %s", ok, d)
	}
}

func FuzzReadEntry(f *testing.F) {
	e := fullEntry(time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC))
	for _, part := range []func(){func() {}, func() { e.Disclosure = nil }, func() { e.Subject = nil }, func() { e.Evidence = nil }, func() { e.Basis = nil }} {
		part()
		body, err := appendEntry(nil, &e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"id":"a","id":"b"}`))
	f.Fuzz(func(t *testing.T, body []byte) { sameAsDecoded(t, body) })
}

// scatter sets a value and what it holds to something, or leaves it empty.
func scatter(t *rapid.T, v reflect.Value) {
	if at, ok := v.Addr().Interface().(*time.Time); ok {
		*at = time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanoseconds")).UTC()
		return
	}
	if rapid.Bool().Draw(t, "empty") {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			scatter(t, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		scatter(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "length"), 3))
		for i := range v.Len() {
			scatter(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 3).Draw(t, "size") {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			scatter(t, key)
			scatter(t, value)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"<&>", "\"\\\x00\n\u2028", "pass"})).Draw(t, "text"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Array: // of what is not in the JSON
	default:
		t.Fatalf("no value for %s", v.Type())
	}
}

// What is no text is refused by both, and so does not get into the ledger.
func TestEntryThatIsNoTextIsRefused(t *testing.T) {
	for name, e := range map[string]tutela.Entry{
		"a member":         {ID: "\xff"},
		"a type":           {Patients: []tutela.Touched{{Counts: map[string]int{"\xff": 1}}}},
		"a rare part":      {Subject: &tutela.Subject{Kind: "\xff"}},
		"a role":           {Actor: tutela.Actor{Roles: []string{"\xff"}}},
		"an unusual basis": {Basis: &tutela.Basis{Consent: "\xff"}},
	} {
		if _, err := marshalEntry(e); err == nil {
			t.Errorf("%s: the encoder takes it", name)
		}
		if _, err := appendEntry(nil, &e); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
