package event_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
)

func hashed(line string) string {
	sum := sha256.Sum256([]byte(line))
	return hex.EncodeToString(sum[:16])
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func parse(t *testing.T, line string) event.Line {
	t.Helper()
	l, err := event.ParseLine([]byte(line))
	if err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return l
}

// An entry with every field that OCSF has a place for comes back whole.
func TestEntriesRoundTripThroughOCSF(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 30, 15, 250e6, time.UTC)
	full := tutela.Entry{
		ID: "e-1", Time: at, Node: "node-1", Tenant: "clinic",
		Actor:   tutela.Actor{ID: "u-17", Kind: tutela.ActorPerson, Name: "m\"eier", Roles: []string{"nurse", "scheduler"}, Unit: "ward 3"},
		Session: "s", Client: "ehr", Address: "192.0.2.7", Assurance: "aal2", Request: "r", Action: tutela.ActionSearch, Type: "Observation",
		Outcome: tutela.OutcomeFailed, Status: 404, Count: 3, Purpose: tutela.PurposeEmergency,
		Basis:    &tutela.Basis{Policies: []string{"a", "b"}, Consent: "c", Relationship: "care-team"},
		Patients: []tutela.Touched{{Patient: -2, Counts: map[string]int{"Observation": 2, "Patient": 1}, Flags: []string{"vip", "treated"}}, {Patient: 77}},
		Bytes:    812, BreakGlass: "b1 b2", Disclosure: &tutela.Disclosure{Recipient: "x", Purpose: tutela.PurposeLegal, Kind: "export"},
		Subject: &tutela.Subject{Kind: "user", ID: "u", Detail: "d"}, Continues: "e-0", Demo: true,
		Evidence: &tutela.Evidence{Check: "c", Observed: "o", On: "x", Verdict: tutela.Fail, At: at, Expires: at.Add(time.Hour)},
		Ending:   &tutela.Ending{Ordered: at, Took: 5, Sessions: 1, Tokens: 2, Refresh: 3},
	}
	local := full
	local.Address = "" // what happened at the node itself
	for _, e := range []tutela.Entry{full, local} {
		b, err := audit.OCSF(e)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(event.Line{Event: &event.Event{Entry: e}}, parse(t, string(b))); d != "" {
			t.Error(d)
		}
	}
}

func TestOutcomesAreReadFromWhatIsThere(t *testing.T) {
	const success, denied, failed, fault = tutela.OutcomeSuccess, tutela.OutcomeDenied, tutela.OutcomeFailed, tutela.OutcomeError
	for members, want := range map[string]tutela.Outcome{
		`"class_uid":6005`:                                                   success,
		`"class_uid":6005,"status_id":1`:                                     success,
		`"class_uid":6005,"status_id":2`:                                     failed,
		`"class_uid":6005,"status_id":2,"status_code":"403"`:                 denied,
		`"class_uid":6005,"status_id":2,"status_code":401`:                   denied,
		`"class_uid":6005,"status_code":"503"`:                               fault,
		`"class_uid":6005,"status_code":"204"`:                               success,
		`"class_uid":6005,"status_code":"404"`:                               failed,
		`"class_uid":3002,"status_id":2`:                                     denied,
		`"class_uid":6005,"status_id":1,"unmapped":{"outcome":"denied"}`:     denied,
		`"class_uid":6005,"status_id":"2","unmapped":{"outcome":"whatever"}`: failed,
		`"class_uid":4001`:                                                   "",
		`"class_uid":4001,"status_code":"500"`:                               fault,
	} {
		if got := parse(t, `{"time":1,`+members+`}`).Event.Outcome; got != want {
			t.Errorf("%s: %q, want %q", members, got, want)
		}
	}
}

func TestActionsAreReadFromCodeOrActivity(t *testing.T) {
	for members, want := range map[string]tutela.Action{
		`"class_uid":6005,"activity_id":1`:                                         tutela.ActionRead,
		`"class_uid":6005,"activity_id":2`:                                         tutela.ActionUpdate,
		`"class_uid":6005,"activity_id":4`:                                         tutela.ActionSearch,
		`"class_uid":6005,"activity_id":8`:                                         tutela.ActionSearch,
		`"class_uid":6005,"activity_id":6`:                                         tutela.ActionCreate,
		`"class_uid":6005,"activity_id":7`:                                         tutela.ActionDelete,
		`"class_uid":6005`:                                                         tutela.ActionRead,
		`"class_uid":6005,"activity_id":4,"metadata":{"event_code":"110110"}`:      tutela.ActionSearch,
		`"class_uid":6005,"activity_id":1,"metadata":{"event_code":"export"}`:      tutela.ActionExport,
		`"class_uid":3002,"activity_id":2`:                                         tutela.ActionSessionEnd,
		`"class_uid":3002,"activity_id":3`:                                         tutela.ActionTokenIssue,
		`"class_uid":3002,"metadata":{"event_code":"ssh"}`:                         tutela.ActionAuthenticate,
		`"class_uid":6003,"api":{"operation":"user.roles"}`:                        tutela.ActionUserRoles,
		`"class_uid":6003,"metadata":{"event_code":"x"},"api":{"operation":"y"}`:   "x",
		`"message":"hello"`:                                                        event.ActionLog,
		`"class_uid":1001,"metadata":{"event_code":"file.delete"},"message":"rm"`:  "file.delete",
		`"kind":"Event","message":"a log whose lines have a kind of their own"`:    event.ActionLog,
		`"class_uid":3002,"\u0061ctivity_id":2,"user":{"uid":null,"name":"tanja"}`: tutela.ActionSessionEnd,
	} {
		if got := parse(t, `{"time":1,`+members+`}`).Event.Action; got != want {
			t.Errorf("%s: %q, want %q", members, got, want)
		}
	}
}

func TestActorsAreReadLiberally(t *testing.T) {
	const person = tutela.ActorPerson
	for members, want := range map[string]tutela.Actor{
		`"user":"u-1"`:            {ID: "u-1", Kind: person},
		`"user":17`:               {ID: "17", Kind: person},
		`"user":{"name":"meier"}`: {ID: "meier", Name: "meier", Kind: person},
		`"actor":{"user":{"uid":"u","type_id":2}}`:               {ID: "u", Kind: person},
		`"actor":{"user":{"uid":"u","type":"System"}}`:           {ID: "u", Kind: person},
		`"actor":{"user":{"uid":"u","type_id":3}}`:               {ID: "u", Kind: tutela.ActorSystem},
		`"actor":{"user":{"uid":"u","type":"service"}}`:          {ID: "u", Kind: tutela.ActorService},
		`"user":{"uid":"u","groups":"nurse"}`:                    {ID: "u", Kind: person, Roles: []string{"nurse"}},
		`"user":{"uid":"u","groups":["a",{"name":"b"},{},null]}`: {ID: "u", Kind: person, Roles: []string{"a", "b"}},
		`"actor":"whoever"`:                                      {Kind: tutela.ActorAnonymous},
		`"actor":null,"user":{}`:                                 {Kind: tutela.ActorAnonymous},
		`"user":{"uid":"u","org":{"ou_name":"w"}},"unmapped":{}`: {ID: "u", Kind: person, Unit: "w"},
	} {
		if d := cmp.Diff(want, parse(t, `{"time":1,"class_uid":6005,`+members+`}`).Event.Actor); d != "" {
			t.Errorf("%s: %s", members, d)
		}
	}
}

func TestTimesAreReadLiberally(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 30, 15, 250e6, time.UTC)
	for _, form := range []string{`1795339815250`, `1795339815250.0`, `1.79533981525e12`, `"1795339815250"`, `"2026-11-22T10:30:15.25+01:00"`} {
		if got := parse(t, `{"class_uid":6005,"time":`+form+`}`).Event.Time; !got.Equal(at) {
			t.Errorf("%s: %v", form, got)
		}
	}
}

// What an error says must not carry what the line said.
func TestBadLinesAreRefusedWithoutQuotingThem(t *testing.T) {
	for line, want := range map[string]string{
		``:         "is no JSON object",
		`[]`:       "is no JSON object",
		`"secret"`: "is no JSON object",
		`{"time":1795339815250,"class_uid":6005,"secret":`:                        "is no JSON at byte 48",
		`{"time":1,"secret":nope}`:                                                "is no JSON at byte 20",
		`{"time":1,"actor":{"user":{"secret":1}`:                                  "is no JSON at byte 38",
		`{"time":1,"class_uid":6005} {"secret":1}`:                                "has something after its object",
		`{"class_uid":6005,"user":"secret"}`:                                      "has no time",
		`{"class_uid":6005,"time":"secret"}`:                                      errTimeText,
		`{"class_uid":6005,"time":-1}`:                                            errTimeText,
		`{"class_uid":6005,"time":"NaN"}`:                                         errTimeText,
		`{"class_uid":6005,"time":"0001-01-01T00:00:00Z"}`:                        errTimeText,
		`{"class_uid":6005,"time":1e300}`:                                         errTimeText,
		`{"kind":"secret"}`:                                                       "has a kind that is none of staff, relation, chart",
		`{"kind":"staff"}`:                                                        "names no staff",
		`{"class_uid":5003}`:                                                      "names no staff",
		`{"kind":"chart","vip":true}`:                                             "names no patient",
		`{"kind":"relation","relation":"admission","unit":"w"}`:                   "names no patient",
		`{"kind":"relation","relation":"admission","patient":"secret"}`:           "names neither staff nor a unit",
		`{"time":1,"user":"` + strings.Repeat("s", 257) + `"}`:                    "has an id or a name of more than 256 bytes",
		`{"time":1,"x":"` + strings.Repeat("s", event.MaxLine) + `"}`:             "is longer than 1 MiB",
		`{"time":1,"resources":[` + strings.Repeat(`{"uid":"s"},`, 10001) + `0]}`: "has more than 10,000 patients",
	} {
		_, err := event.ParseLine([]byte(line))
		if err == nil || err.Error() != want {
			t.Errorf("%.80s: %v, want %q", line, err, want)
		}
	}
}

const errTimeText = "has a time that is neither Unix milliseconds nor RFC 3339, or before 1970"

func TestHostileLinesStayBounded(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	var wide strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&wide, `"f%d":"%s",`, i, strings.Repeat("é", 10))
	}
	long := strings.Repeat("é", 40_000)
	l := parse(t, `{"time":1,"deep":`+deep+`,`+wide.String()+`"message":"`+long+`"}`).Event.Log
	if len(l.Fields) != 128 || len(l.Text) > 32<<10 {
		t.Errorf("%d fields, %d bytes of text", len(l.Fields), len(l.Text))
	}
	l = parse(t, `{"time":1,"message":"`+long+`","field":"`+long+`","\ud800":"\udfff"}`).Event.Log
	if len(l.Fields["field"]) > 4<<10 || l.Fields["�"] != "�" {
		t.Errorf("fields %d bytes, %q", len(l.Fields["field"]), l.Fields["�"])
	}
	nested := parse(t, `{"time":1,"class_uid":6005,"resources":[[[]]],"user":{"groups":[[["x"]]]},"unmapped":{"flags":[1],"subject":"x","evidence":{"at":"x"}}}`)
	if d := cmp.Diff(event.Line{Event: &event.Event{Entry: tutela.Entry{
		ID: nested.Event.ID, Time: time.UnixMilli(1).UTC(), Actor: tutela.Actor{Kind: tutela.ActorAnonymous},
		Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess,
	}}}, nested); d != "" {
		t.Error(d)
	}
}

func TestPatientsOfAnyFormBecomePseudonyms(t *testing.T) {
	if got := event.Pseudonym("1B3c9d02e4f5a687"); got != 0x1b3c9d02e4f5a687 {
		t.Errorf("a pseudonym became %x", uint64(got))
	}
	seen := map[tutela.Bucket]string{tutela.BucketGeneral: "nobody", tutela.BucketShared: "several"}
	for _, uid := range []string{"0000000000000000", "MRN 1", "mrn 1", "1", "Patient/1", "1b3c9d02e4f5a68z"} {
		b := event.Pseudonym(uid)
		if other, taken := seen[b]; taken {
			t.Errorf("%s is %s", uid, other)
		}
		seen[b] = uid
	}
	for _, uid := range []string{"0000000000000000", "0000000000000001"} {
		if b := event.Pseudonym(uid); b == tutela.BucketGeneral || b == tutela.BucketShared {
			t.Errorf("%s became the bucket %d, which is no patient's", uid, b)
		}
	}
}

// Names of families and households are hashed at the door, and compare without regard to case.
func TestLikenessesHoldNoNames(t *testing.T) {
	a := parse(t, `{"kind":"staff","staff":"u","family":" Rossi","household":"Via Roma 1"}`).Staff
	b := parse(t, `{"kind":"chart","patient":"p","family":"ROSSI","household":"via roma 1"}`).Chart
	if a.Family != b.Family || a.Household != b.Household || a.Family == a.Household {
		t.Errorf("%+v and %+v", a, b)
	}
	if strings.Contains(strings.ToLower(fmt.Sprintf("%+v %+v", a, b)), "ross") {
		t.Error("a name was kept")
	}
}

func TestRelationKindsAreReadLiberally(t *testing.T) {
	for said, want := range map[string]event.RelationKind{"care_team": event.CareTeam, "Care Team": event.CareTeam, "ADMISSION": event.Admission} {
		got := parse(t, `{"kind":"relation","relation":"`+said+`","patient":"p","staff":"u"}`).Relation.Kind
		if got != want {
			t.Errorf("%s: %s", said, got)
		}
	}
	if _, err := event.ParseLine([]byte(`{"kind":"relation","relation":"friend","patient":"p","staff":"u"}`)); err == nil {
		t.Error("an unknown relation was taken")
	}
}
