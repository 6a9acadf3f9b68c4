package logs

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
)

// maxWords bounds the words of one event that can be asked for; longer words are cut.
const (
	maxWords = 512
	maxWord  = 64
)

// terms are what an event can be found by.
type terms map[string]struct{}

func (t terms) add(kind, value string) {
	if value != "" {
		t[kind+":"+strings.ToLower(value)] = struct{}{}
	}
}

func (t terms) has(kind, value string) bool {
	_, ok := t[kind+":"+strings.ToLower(value)]
	return ok
}

// The kinds of term.
const (
	termActor   = "actor"
	termAddress = "address"
	termPatient = "patient"
	termSource  = "source"
	termWord    = "word"
)

// termsOf lists what an event can be found by.
func termsOf(source string, ev *event.Event) terms {
	t := terms{}
	t.add(termSource, source)
	t.add(termActor, string(ev.Actor.ID))
	t.add(termActor, ev.Actor.Name)
	t.add(termAddress, ev.Address)
	for _, p := range ev.Patients {
		t.add(termPatient, audit.Pseudonym(p.Patient))
	}
	if ev.Log == nil {
		t.words(string(ev.Action))
		return t
	}
	for _, text := range append([]string{ev.Log.Text, ev.Log.Host, ev.Log.App}, values(ev.Log.Fields)...) {
		t.words(text)
	}
	return t
}

func values(m map[string]string) []string {
	list := make([]string, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// named is a patient whom a reference in a text names.
var named = regexp.MustCompile(`\bPatient(?:/|%2[Ff])p-([0-9a-f]{16})\b`)

// words adds the words of a text, and the patients whom it names.
func (t terms) words(text string) {
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		t.add(termPatient, m[1])
	}
	for _, w := range split(text) {
		if len(t) >= maxWords {
			return
		}
		t.add(termWord, w)
	}
}

// split takes a text apart into words: letters and digits that stand together.
func split(text string) []string {
	list := strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	for i, w := range list {
		if len(w) > maxWord {
			list[i] = strings.ToValidUTF8(w[:maxWord], "")
		}
	}
	return list
}

// PatientTerm is how a patient is asked for.
func PatientTerm(b tutela.Bucket) string { return audit.Pseudonym(b) }
