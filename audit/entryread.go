package audit

import (
	"bytes"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
)

// readEntry reads the JSON of an entry as appendEntry writes it, member after member. It is false for
// what is written in any other way, or has what few entries have: that is left to the decoder, which
// gives the same of all that readEntry reads (FuzzReadEntry). Whoever follows the ledger reads as
// many entries as are written.
func readEntry(body []byte) (e tutela.Entry, ok bool) {
	r := entryReader{rest: body}
	e.ID = r.text(`{"id":`)
	e.Time = r.time(`,"time":`)
	e.Node = r.text(`,"node":`)
	e.Tenant = tutela.Tenant(r.text(`,"tenant":`))
	e.Actor.ID = tutela.UserID(r.text(`,"actor":{"id":`))
	e.Actor.Kind = tutela.ActorKind(r.text(`,"kind":`))
	e.Actor.Name = r.optional(`,"name":`)
	e.Actor.Roles = r.texts(`,"roles":[`)
	e.Actor.Unit = r.optional(`,"unit":`)
	r.must(`}`)
	e.Session = r.optional(`,"session":`)
	e.Client = r.optional(`,"client":`)
	e.Address = r.optional(`,"address":`)
	e.Assurance = r.optional(`,"aal":`)
	e.Request = r.optional(`,"request":`)
	e.Action = tutela.Action(r.text(`,"action":`))
	e.Type = r.optional(`,"type":`)
	e.Outcome = tutela.Outcome(r.text(`,"outcome":`))
	e.Status = int(r.number(`,"status":`))
	e.Count = int(r.number(`,"count":`))
	e.Purpose = tutela.Purpose(r.optional(`,"purpose":`))
	if policies := r.texts(`,"basis":{"policies":[`); policies != nil {
		e.Basis = &tutela.Basis{Policies: policies}
		r.must(`}`)
	}
	e.Patients = r.patients()
	e.Bytes = r.number(`,"bytes":`)
	e.Grant = r.optional(`,"grant":`)
	e.PolicyVersion = r.optional(`,"policy":`)
	e.BreakGlass = r.optional(`,"break_glass":`)
	e.Continues = r.optional(`,"continues":`)
	e.Demo = r.has(`,"demo":true`)
	r.must(`}`)
	return e, !r.other && len(r.rest) == 0
}

// entryReader cuts members off the front. After the first thing that is written in another way it
// is other, and gives nothing that counts.
type entryReader struct {
	rest  []byte
	other bool
}

func (r *entryReader) has(prefix string) bool {
	if len(r.rest) < len(prefix) || string(r.rest[:len(prefix)]) != prefix {
		return false
	}
	r.rest = r.rest[len(prefix):]
	return true
}

func (r *entryReader) must(prefix string) {
	if !r.has(prefix) {
		r.other = true
	}
}

// text reads a string behind what must stand before it.
func (r *entryReader) text(name string) string {
	r.must(name)
	return r.quoted()
}

// optional reads a string that is written where it is not empty.
func (r *entryReader) optional(name string) string {
	if !r.has(name) {
		return ""
	}
	return r.quoted()
}

// quoted reads a string of plain ASCII; what has escapes or other letters is other.
func (r *entryReader) quoted() string {
	r.must(`"`)
	n := bytes.IndexByte(r.rest, '"')
	if r.other || n < 0 {
		r.other = true
		return ""
	}
	for _, c := range r.rest[:n] {
		if c < ' ' || c == '\\' || c >= 0x7f {
			r.other = true
			return ""
		}
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n+1:]
	return s
}

func (r *entryReader) time(name string) time.Time {
	text := r.text(name)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.UTC().Format(time.RFC3339Nano) != text { // Parse takes more than the standard
		r.other = true
	}
	return at.UTC()
}

// number reads a whole number that is written where it is not zero.
func (r *entryReader) number(name string) int64 {
	if !r.has(name) {
		return 0
	}
	return r.digits()
}

func (r *entryReader) digits() int64 {
	n := 0
	for n < len(r.rest) && (r.rest[n] >= '0' && r.rest[n] <= '9' || r.rest[n] == '-') {
		n++
	}
	digits := string(r.rest[:n])
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != digits {
		r.other = true
	}
	r.rest = r.rest[n:]
	return v
}

// texts reads a list that is written where it is not empty; what begins it is given with its bracket.
func (r *entryReader) texts(name string) []string {
	if !r.has(name) {
		return nil
	}
	list := []string{r.quoted()}
	for r.has(`,`) {
		list = append(list, r.quoted())
	}
	r.must(`]`)
	return list
}

func (r *entryReader) patients() []tutela.Touched {
	if !r.has(`,"patients":[`) {
		return nil
	}
	list := []tutela.Touched{r.patient()}
	for r.has(`,`) {
		list = append(list, r.patient())
	}
	r.must(`]`)
	return list
}

func (r *entryReader) patient() (t tutela.Touched) {
	r.must(`{"p":`)
	t.Patient = tutela.Bucket(r.digits())
	if r.has(`,"n":{`) {
		t.Counts = map[string]int{}
		for more := true; more; more = r.has(`,`) {
			typ := r.quoted()
			r.must(`:`)
			if _, twice := t.Counts[typ]; twice {
				r.other = true
			}
			t.Counts[typ] = int(r.digits())
		}
		r.must(`}`)
	}
	t.Flags = r.texts(`,"f":[`)
	r.must(`}`)
	return t
}
