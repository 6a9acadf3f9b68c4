package audit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/tutela-health/tutela"
)

// appendEntry appends the JSON of an entry, byte for byte what marshalEntry gives of it
// (TestEntryIsWrittenAsItIsMarshalled). Every read writes one: going through the struct by
// reflection took a fifteenth of all that a read costs. What is rare is left to the encoder.
func appendEntry(dst []byte, e *tutela.Entry) ([]byte, error) {
	w := entryWriter{b: append(dst, '{')}
	w.text(`"id":`, e.ID)
	w.time(`,"time":`, e.Time)
	w.text(`,"node":`, e.Node)
	w.text(`,"tenant":`, string(e.Tenant))
	w.actor(&e.Actor)
	w.optional(`,"session":`, e.Session)
	w.optional(`,"client":`, e.Client)
	w.optional(`,"address":`, e.Address)
	w.optional(`,"aal":`, e.Assurance)
	w.optional(`,"request":`, e.Request)
	w.text(`,"action":`, string(e.Action))
	w.optional(`,"type":`, e.Type)
	w.text(`,"outcome":`, string(e.Outcome))
	w.number(`,"status":`, int64(e.Status))
	w.number(`,"count":`, int64(e.Count))
	w.optional(`,"purpose":`, string(e.Purpose))
	w.basis(e.Basis)
	w.patients(e.Patients)
	w.number(`,"bytes":`, e.Bytes)
	w.optional(`,"grant":`, e.Grant)
	w.optional(`,"policy":`, e.PolicyVersion)
	w.optional(`,"break_glass":`, e.BreakGlass)
	rare(&w, `,"disclosure":`, e.Disclosure)
	rare(&w, `,"subject":`, e.Subject)
	rare(&w, `,"evidence":`, e.Evidence)
	rare(&w, `,"ending":`, e.Ending)
	w.foreign(e.Foreign)
	w.optional(`,"continues":`, e.Continues)
	if e.Demo {
		w.b = append(w.b, `,"demo":true`...)
	}
	if w.err != nil {
		return nil, fmt.Errorf("encode entry: %w", w.err)
	}
	return append(w.b, '}'), nil
}

// marshalEntry is the form of an entry's JSON, and of its parts.
func marshalEntry(v any) ([]byte, error) {
	return json.Marshal(v, jsonv1.OmitEmptyWithLegacySemantics(true), json.Deterministic(true))
}

// entryWriter appends members, each given with the comma before its name, until something fails.
type entryWriter struct {
	b   []byte
	err error
}

func (w *entryWriter) quote(s string) {
	b, err := jsontext.AppendQuote(w.b, s)
	w.b = b
	if err != nil && w.err == nil {
		w.err = err
	}
}

func (w *entryWriter) text(name, value string) {
	w.b = append(w.b, name...)
	w.quote(value)
}

func (w *entryWriter) optional(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

func (w *entryWriter) number(name string, n int64) {
	if n != 0 {
		w.b = strconv.AppendInt(append(w.b, name...), n, 10)
	}
}

func (w *entryWriter) time(name string, at time.Time) {
	w.b = at.AppendFormat(append(append(w.b, name...), '"'), time.RFC3339Nano)
	w.b = append(w.b, '"')
}

// texts writes a list that is not empty.
func (w *entryWriter) texts(name string, list []string) {
	if len(list) == 0 {
		return
	}
	w.b = append(append(w.b, name...), '[')
	for i, s := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.quote(s)
	}
	w.b = append(w.b, ']')
}

func (w *entryWriter) actor(a *tutela.Actor) {
	w.text(`,"actor":{"id":`, string(a.ID))
	w.text(`,"kind":`, string(a.Kind))
	w.optional(`,"name":`, a.Name)
	w.texts(`,"roles":`, a.Roles)
	w.optional(`,"unit":`, a.Unit)
	w.b = append(w.b, '}')
}

// basis writes the usual one, of policies alone.
func (w *entryWriter) basis(b *tutela.Basis) {
	if b == nil || len(b.Policies) == 0 || b.Consent != "" || b.Relationship != "" {
		rare(w, `,"basis":`, b)
		return
	}
	w.texts(`,"basis":{"policies":`, b.Policies)
	w.b = append(w.b, '}')
}

func (w *entryWriter) patients(list []tutela.Touched) {
	for i, t := range list {
		first := `,"patients":[{"p":`
		if i > 0 {
			first = `,{"p":`
		}
		w.b = strconv.AppendInt(append(w.b, first...), int64(t.Patient), 10)
		w.counts(t.Counts)
		w.texts(`,"f":`, t.Flags)
		w.b = append(w.b, '}')
	}
	if len(list) > 0 {
		w.b = append(w.b, ']')
	}
}

func (w *entryWriter) counts(byType map[string]int) {
	if len(byType) == 0 {
		return
	}
	before := `,"n":{`
	for _, typ := range slices.Sorted(maps.Keys(byType)) {
		w.b = append(w.b, before...)
		w.quote(typ)
		w.b = strconv.AppendInt(append(w.b, ':'), int64(byType[typ]), 10)
		before = ","
	}
	w.b = append(w.b, '}')
}

func (w *entryWriter) foreign(f *tutela.Foreign) {
	if f == nil {
		return
	}
	w.text(`,"foreign":{"source":`, f.Source)
	w.text(`,"record":`, f.Record)
	w.time(`,"observed":`, f.Observed)
	w.optional(`,"host":`, f.Host)
	w.b = append(w.b, '}')
}

// rare writes a part that few entries have.
func rare[T any](w *entryWriter, name string, part *T) {
	if part == nil {
		return
	}
	b, err := marshalEntry(part)
	w.b = append(append(w.b, name...), b...)
	if err != nil && w.err == nil {
		w.err = err
	}
}
