package line

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
)

var (
	errObject = errors.New("is no JSON object")
	errDeep   = errors.New("is nested too deeply")
)

// maxDepth bounds how deeply a line's members are nested.
const maxDepth = 32

// JSON makes an event, or a fact, of a JSON object. The members of docs/events.md mean what they mean there; those of
// common access logs are read too.
func (r *Reader) JSON(b []byte) (Read, error) {
	if len(b) > event.MaxLine {
		return Read{}, errLong
	}
	return r.structured(b, object{})
}

// structured does the same beside what is known already.
func (r *Reader) structured(b []byte, known object) (Read, error) {
	if tooDeep(b) {
		return Read{}, errDeep
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var o object
	if d.Decode(&o) != nil || o == nil {
		return Read{}, errObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Read{}, errObject
	}
	for name, value := range known {
		o.fill(name, value)
	}
	patients, err := r.patients(o)
	if err != nil {
		return Read{}, err
	}
	if isFact(o) { // it has no free text, and patients are named by pseudonyms
		return r.finish(o, nil)
	}
	r.told(o)
	return r.finish(r.cleanObject("", o), patients)
}

// tooDeep goes by brackets, those in strings left out.
func tooDeep(b []byte) bool {
	depth, within := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case within && c == '\\':
			i++
		case c == '"':
			within = !within
		case within:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// isFact reports whether an object tells of a person, a relation or a chart.
func isFact(o object) bool {
	kind, _ := o["kind"].(string)
	return kind == "staff" || kind == "relation" || kind == "chart"
}

// told puts where docs/events.md has it what other loggers write elsewhere.
func (r *Reader) told(o object) {
	flat := map[string]string{}
	flatten(flat, "", o, 0)
	when(o, flat)
	for _, name := range []string{"msg", "log"} {
		if text := flat[name]; text != "" {
			o.fill("message", text)
		}
	}
	if level, ok := severities[strings.ToLower(flat["level"]+flat["severity"])]; ok {
		o.fill("severity_id", severity(level))
	}
	if _, there := o["class_uid"]; there {
		return
	}
	if a, ok := accessOf(flat); ok {
		a.into(o)
		for _, names := range members() {
			for _, name := range names {
				if name != "status_code" && name != "user" {
					delete(o, name) // the message has them, once
				}
			}
		}
		o.fill("message", a.text())
		return
	}
	if text, ok := o["message"].(string); ok {
		login(text, o)
	}
}

// severities are RFC 5424's numbers (section 6.2.1) of the words that loggers use.
var severities = map[string]int{
	"emerg": 0, "emergency": 0, "alert": 1, "crit": 2, "critical": 2, "fatal": 2, "panic": 2, "err": 3, "error": 3, "warn": 4, "warning": 4,
	"notice": 5, "info": 6, "information": 6, "informational": 6, "debug": 7, "trace": 7,
}

// when finds out when it happened, under the names that loggers use. What cannot be read is left out: then it happened when it came.
func when(o object, flat map[string]string) {
	said := flat["time"]
	for _, name := range []string{"time_dt", "@timestamp", "timestamp", "ts", "time_iso8601", "time_local", "datetime", "date"} {
		if said == "" {
			said = flat[name]
		}
	}
	delete(o, "time")
	delete(o, "time_dt")
	if at, ok := parseTime(said); ok {
		o["time"] = stamp(at)
	}
}

func parseTime(s string) (time.Time, bool) {
	if n, err := strconv.ParseFloat(s, 64); err == nil && n > 0 && n < 1e19 {
		for n > 1e14 { // micro- and nanoseconds
			n /= 1000
		}
		if n < 1e11 { // seconds
			n *= 1000
		}
		return time.UnixMicro(int64(n * 1000)).UTC(), true
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "02/Jan/2006:15:04:05 -0700", time.DateOnly} {
		if at, err := time.Parse(form, strings.Replace(s, ",", ".", 1)); err == nil && at.Year() >= 1970 && at.Year() < 9999 {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

func flatten(to map[string]string, prefix string, o map[string]any, depth int) {
	for name, v := range o {
		switch v := v.(type) {
		case string:
			to[prefix+name] = v
		case json.Number:
			to[prefix+name] = v.String()
		case map[string]any:
			if depth < 2 {
				flatten(to, prefix+name+".", v, depth+1)
			}
		case object:
			if depth < 2 {
				flatten(to, prefix+name+".", v, depth+1)
			}
		}
	}
}

var errPatient = errors.New("names a patient by something that is no text")

// patients puts pseudonyms where an object names patients, and gives those of resources as the source calls them.
func (r *Reader) patients(o object) ([]intake.Identifier, error) {
	r.fact(o)
	list, _ := o["resources"].([]any)
	var patients []intake.Identifier
	pseudonyms := map[string]string{}
	for _, v := range list {
		one, ok := v.(map[string]any)
		if !ok {
			continue
		}
		kind, there := one["type"]
		if there && kind != "patient" && kind != "Patient" {
			continue
		}
		uid, ok := text(one["uid"])
		if !ok {
			return nil, errPatient
		}
		if uid == "" {
			continue
		}
		authority, _ := text(one["namespace"])
		id := intake.Identifier{Authority: authority, Value: uid}
		p := r.pseudonym(id)
		pseudonyms[uid], one["uid"] = p, p
		delete(one, "namespace")
		delete(one, "name")
		patients = append(patients, id)
	}
	flags(o, pseudonyms)
	return patients, nil
}

func (r *Reader) pseudonym(id intake.Identifier) string {
	return fmt.Sprintf("%016x", uint64(r.tokens.Patient(id)))
}

// flags are by the patients' uids.
func flags(o object, pseudonyms map[string]string) {
	more, _ := o["unmapped"].(map[string]any)
	byUID, ok := more["flags"].(map[string]any)
	if !ok {
		return
	}
	renamed := map[string]any{}
	for uid, list := range byUID {
		if p, ok := pseudonyms[uid]; ok {
			renamed[p] = list
		}
	}
	more["flags"] = renamed
}

// fact puts pseudonyms and keyed hashes into a line that is no event.
func (r *Reader) fact(o object) {
	if !isFact(o) {
		return
	}
	if uid, ok := text(o["patient"]); ok && uid != "" {
		authority, _ := text(o["authority"])
		o["patient"] = r.pseudonym(intake.Identifier{Authority: authority, Value: uid})
	}
	delete(o, "authority")
	for _, kind := range []string{"household", "family"} {
		if v, ok := text(o[kind]); ok && v != "" {
			o[kind] = r.tokens.Likeness(kind, strings.ToLower(strings.TrimSpace(v)))
		}
	}
}

func text(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return strings.TrimSpace(v), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// structural are members whose values are no free text: what an event is known and found by.
var structural = []string{
	"time", "time_dt", "host", "app", "process", "hostname",
	"user", "user.uid", "user.name", "actor.user.uid", "actor.user.name", "actor.app_uid", "src_endpoint.ip", "src_endpoint.name", "device.hostname",
	"metadata.uid", "metadata.event_code", "metadata.product.name", "metadata.version", "databucket.name", "resources.uid",
	"unmapped.unit", "unmapped.purpose", "unmapped.outcome", "status_code", "class_uid", "category_uid", "activity_id", "type_uid", "severity_id", "status_id", "count",
}

// clean redacts every value that is free text. Numbers go where their name says that they are a patient's.
func (r *Reader) clean(name string, v any) any {
	switch v := v.(type) {
	case object:
		return r.cleanObject(name, v)
	case map[string]any:
		return r.cleanObject(name, v)
	case []any:
		for i := range v {
			v[i] = r.clean(name, v[i])
		}
		return v
	case string:
		if slices.Contains(structural, name) {
			return v
		}
		return r.redact.Field(name, cut(v))
	case json.Number:
		if s := v.String(); !slices.Contains(structural, name) {
			if got := r.redact.Field(name, s); got != s {
				return got
			}
		}
	}
	return v
}

// telling is in a name that may tell of a patient: of names of members few do.
var telling = regexp.MustCompile(`[@\d ]`)

func (r *Reader) cleanObject(name string, o map[string]any) object {
	if name != "" {
		name += "."
	}
	out := make(object, len(o))
	for member, v := range o {
		at := name + member
		if at == "unmapped.flags" {
			out[member] = v
			continue
		}
		if telling.MatchString(member) {
			member = r.redact.Text(member)
		}
		out[member] = r.clean(at, v)
	}
	return out
}

// Record is an access to records, as the ledger takes it; ok is false for any other line.
func (r Read) Record() (intake.Record, bool) {
	ev := r.Line.Event
	if ev == nil || ev.Log != nil || ev.Action == event.ActionLog || ev.Action == tutela.ActionAuthenticate && ev.Actor.ID == "" {
		return intake.Record{}, false
	}
	return intake.Record{Event: *ev, Patients: r.Patients}, len(r.Patients) == len(ev.Patients)
}
