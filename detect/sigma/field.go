package sigma

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/decode"
	"github.com/tutela-health/tutela/detect/event"
)

// getter appends the values that an event has for a field; none where it has no such field.
type getter func(e *event.Event, to []string) []string

// ledgerField finds a field of the ledger's events and of other systems' access logs, by its dotted name in OCSF
// (docs/events.md), or one of ours that OCSF has no name for.
func ledgerField(name string) (getter, bool) {
	if get := entryText(name); get != nil {
		return func(e *event.Event, to []string) []string { return some(to, get(e)) }, true
	}
	if get := entryNumber(name); get != nil {
		return func(e *event.Event, to []string) []string { return append(to, strconv.FormatInt(get(e), 10)) }, true
	}
	get := entryList(name)
	return get, get != nil
}

func some(to []string, s string) []string {
	if s == "" {
		return to
	}
	return append(to, s)
}

// entryText gives a field that has one value at most.
func entryText(name string) func(*event.Event) string {
	switch name {
	case "metadata.uid":
		return func(e *event.Event) string { return e.ID }
	case "metadata.event_code", "api.operation":
		return func(e *event.Event) string { return string(e.Action) }
	case "metadata.tenant_uid":
		return func(e *event.Event) string { return string(e.Tenant) }
	case "metadata.correlation_uid":
		return func(e *event.Event) string { return e.Request }
	case "metadata.log_provider":
		return func(e *event.Event) string { return e.Source }
	case "actor.user.uid":
		return func(e *event.Event) string { return string(e.Actor.ID) }
	case "user.uid":
		return account
	case "actor.user.name", "user.name":
		return func(e *event.Event) string { return e.Actor.Name }
	case "actor.user.type", "user.type":
		return func(e *event.Event) string { return string(e.Actor.Kind) }
	case "actor.session.uid":
		return func(e *event.Event) string { return e.Session }
	case "actor.app_uid":
		return func(e *event.Event) string { return e.Client }
	case "src_endpoint.ip":
		return func(e *event.Event) string { return e.Address }
	case "databucket.name":
		return func(e *event.Event) string { return e.Type }
	case "src_endpoint.network":
		return func(e *event.Event) string { return network16(e.Address) }
	case "unmapped.outcome":
		return func(e *event.Event) string { return string(e.Outcome) }
	case "unmapped.purpose":
		return func(e *event.Event) string { return string(e.Purpose) }
	case "unmapped.aal":
		return func(e *event.Event) string { return e.Assurance }
	case "unmapped.unit":
		return func(e *event.Event) string { return e.Actor.Unit }
	case "unmapped.node":
		return func(e *event.Event) string { return e.Node }
	case "unmapped.break_glass":
		return func(e *event.Event) string { return e.BreakGlass }
	}
	return entryPart(name)
}

// entryPart gives a field of what an entry may have or not.
func entryPart(name string) func(*event.Event) string {
	switch name {
	case "unmapped.basis.relationship":
		return func(e *event.Event) string { return basisOf(e).Relationship }
	case "unmapped.basis.consent":
		return func(e *event.Event) string { return basisOf(e).Consent }
	case "unmapped.disclosure.recipient":
		return func(e *event.Event) string { return disclosureOf(e).Recipient }
	case "unmapped.disclosure.kind":
		return func(e *event.Event) string { return disclosureOf(e).Kind }
	case "unmapped.disclosure.purpose":
		return func(e *event.Event) string { return string(disclosureOf(e).Purpose) }
	case "unmapped.subject.kind":
		return func(e *event.Event) string { return subjectOf(e).Kind }
	case "unmapped.subject.id":
		return func(e *event.Event) string { return subjectOf(e).ID }
	case "unmapped.subject.detail":
		return func(e *event.Event) string { return subjectOf(e).Detail }
	case "unmapped.evidence.check":
		return func(e *event.Event) string { return evidenceOf(e).Check }
	case "unmapped.evidence.verdict":
		return func(e *event.Event) string {
			if e.Evidence == nil {
				return ""
			}
			return e.Evidence.Verdict.String()
		}
	}
	return nil
}

// account is whom an event is about: the account that is logged in to or administered, else the one that acts.
func account(e *event.Event) string {
	if s := e.Subject; s != nil && s.Kind == "user" {
		return s.ID
	}
	return string(e.Actor.ID)
}

func basisOf(e *event.Event) tutela.Basis           { return orZero(e.Basis) }
func disclosureOf(e *event.Event) tutela.Disclosure { return orZero(e.Disclosure) }
func subjectOf(e *event.Event) tutela.Subject       { return orZero(e.Subject) }
func evidenceOf(e *event.Event) tutela.Evidence     { return orZero(e.Evidence) }

func orZero[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}

// entryNumber gives a field that is a number in every entry.
func entryNumber(name string) func(*event.Event) int64 {
	switch name {
	case "status_code":
		return func(e *event.Event) int64 { return int64(e.Status) }
	case "count":
		return func(e *event.Event) int64 { return int64(max(1, e.Count)) }
	case "unmapped.bytes":
		return func(e *event.Event) int64 { return e.Bytes }
	case "time":
		return func(e *event.Event) int64 { return e.Time.UnixMilli() }
	case "status_id":
		return func(e *event.Event) int64 {
			if e.Outcome == tutela.OutcomeSuccess {
				return 1
			}
			return 2
		}
	case "patients.count":
		return func(e *event.Event) int64 { return int64(len(e.Patients)) }
	case "patients.strange.count":
		return func(e *event.Event) int64 {
			n := int64(0)
			for _, p := range e.Patients {
				if strange(p) {
					n++
				}
			}
			return n
		}
	}
	return nil
}

func flagged(p tutela.Touched, flag string) bool {
	for _, f := range p.Flags {
		if f == flag {
			return true
		}
	}
	return false
}

// entryList gives a field of several values.
func entryList(name string) getter {
	switch name {
	case "actor.user.groups.name", "user.groups.name":
		return func(e *event.Event, to []string) []string { return append(to, e.Actor.Roles...) }
	case "unmapped.basis.policies":
		return func(e *event.Event, to []string) []string { return append(to, basisOf(e).Policies...) }
	case "resources.uid":
		return func(e *event.Event, to []string) []string {
			for _, p := range e.Patients {
				to = append(to, audit.Pseudonym(p.Patient))
			}
			return to
		}
	case "unmapped.flags":
		return flagsOf(func(tutela.Touched) bool { return true })
	case "patients.strange.flags":
		return flagsOf(strange)
	case "patients.strange.uid":
		return strangers
	}
	return nil
}

// flagsOf gives the flags of some of the patients.
func flagsOf(of func(tutela.Touched) bool) getter {
	return func(e *event.Event, to []string) []string {
		for _, p := range e.Patients {
			if of(p) {
				to = append(to, p.Flags...)
			}
		}
		return to
	}
}

// strange reports whether nothing is known that gives the actor to do with a patient: no care, no emergency.
func strange(p tutela.Touched) bool { return !flagged(p, "treated") && !flagged(p, "emergency") }

func strangers(e *event.Event, to []string) []string {
	for _, p := range e.Patients {
		if strange(p) {
			to = append(to, audit.Pseudonym(p.Patient))
		}
	}
	return to
}

// network16 is where an address is, roughly: its first 16 bits (IPv6: 32), which a provider rarely shares with another
// place; "private" for what is within the house, and nothing for what is no address.
func network16(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return "private"
	}
	bits := 32
	if a.Is4() {
		bits = 16
	}
	return netip.PrefixFrom(a, bits).Masked().String()
}

// logField finds a field of a line of a log. Any name may be one of its own fields; those that are a ledger's too stand
// for what the line says, where it says it.
func logField(name string) getter {
	if name == "line_decoded" {
		return decodedLine
	}
	own := logText(name)
	entry, known := ledgerField(name)
	return func(e *event.Event, to []string) []string {
		if e.Log != nil {
			if v, ok := own(e.Log); ok {
				return append(to, v)
			}
		}
		if known {
			return entry(e, to)
		}
		return to
	}
}

// logText gives what a line says for a name.
func logText(name string) func(*event.Log) (string, bool) {
	switch name {
	case "message":
		return func(l *event.Log) (string, bool) { return l.Text, true }
	case "message_decoded":
		return func(l *event.Log) (string, bool) { return decode.Text(l.Text), true }
	case "host":
		return func(l *event.Log) (string, bool) { return l.Host, l.Host != "" }
	case "app":
		return func(l *event.Log) (string, bool) { return l.App, l.App != "" }
	case "process":
		return func(l *event.Log) (string, bool) { return l.Process, l.Process != "" }
	case "severity":
		return func(l *event.Log) (string, bool) { return strconv.Itoa(l.Severity), true }
	}
	return func(l *event.Log) (string, bool) {
		v, ok := l.Fields[name]
		return v, ok
	}
}

// wholeLine gives everything that a keyword may stand in: a log's message and the values of its fields, in no
// order; of an entry the values of its fields of text.
func wholeLine(e *event.Event, to []string) []string {
	if e.Log == nil {
		to = some(some(some(to, string(e.Action)), e.Actor.Name), subjectOf(e).Detail)
		return some(some(to, e.Type), subjectOf(e).ID)
	}
	to = append(to, e.Log.Text)
	for _, v := range e.Log.Fields {
		to = append(to, v)
	}
	return to
}

// parts takes the lines of web servers (combined log format) apart at their quotes: request, referrer, browser. What
// stands within them cannot be a quote, which servers write as an escape. Other lines are one part.
func parts(text string) []string {
	if !strings.Contains(text, `] "`) || !strings.Contains(text, " HTTP/") {
		return []string{text}
	}
	var list []string
	from := 0
	for i := range len(text) {
		if text[i] == '"' && (i == 0 || text[i-1] != '\\') {
			if i > from {
				list = append(list, text[from:i])
			}
			from = i + 1
		}
	}
	if from < len(text) {
		list = append(list, text[from:])
	}
	return list
}

// decodedLine gives a line's message and the values of its fields, each as what reads it would see it.
func decodedLine(e *event.Event, to []string) []string {
	if e.Log == nil {
		return to
	}
	for _, part := range parts(e.Log.Text) {
		to = append(to, decode.Text(part))
	}
	for _, v := range e.Log.Fields {
		to = append(to, decode.Text(v))
	}
	return to
}
