package replay

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/finding"
)

// answers writes answers in the order of the input, and those about days as they come.
type answers struct {
	to   io.Writer
	next int      // place of the first that is not written
	wait [][]byte // answers from next on; nil where it has not come
	buf  []byte
}

// event answers an event.
func (a *answers) event(n numbered, s baseline.Score) error {
	b := append([]byte(nil), `{"uid":`...)
	b = quoted(b, n.ID)
	b = append(b, `,"score":`...)
	b = number(b, s.Value)
	b = append(b, `,"explained":`...)
	b = strconv.AppendBool(b, s.Explained)
	b = reasons(b, s.Reasons, s.Explanations)
	b = append(b, '}', '\n')
	at := n.place - a.next
	for len(a.wait) <= at {
		a.wait = append(a.wait, nil)
	}
	a.wait[at] = b
	return a.flush()
}

// flush writes what is complete from the front.
func (a *answers) flush() error {
	n := 0
	for ; n < len(a.wait) && a.wait[n] != nil; n++ {
		if _, err := a.to.Write(a.wait[n]); err != nil {
			return err
		}
		a.wait[n] = nil
	}
	a.next += n
	a.wait = a.wait[n:]
	return nil
}

// day answers a person's day.
func (a *answers) day(d *baseline.Day) error {
	b := append(a.buf[:0], `{"staff":`...)
	b = quoted(b, string(d.Staff))
	b = append(b, `,"day":"`...)
	b = d.Day.AppendFormat(b, time.DateOnly)
	b = append(b, `","score":`...)
	b = number(b, d.Score)
	b = append(b, `,"flagged":`...)
	b = strconv.AppendBool(b, d.Flagged)
	b = reasons(b, d.Reasons)
	a.buf = append(b, '}', '\n')
	_, err := a.to.Write(a.buf)
	return err
}

// found is a hit as a line shows it.
type found struct {
	Rule     string    `json:"rule"`
	Title    string    `json:"title"`
	Level    string    `json:"level"`
	Risk     int       `json:"risk"`
	Actor    string    `json:"actor,omitempty"`
	Group    string    `json:"group,omitempty"`
	Patients []string  `json:"patients,omitempty"`
	Entries  []string  `json:"entries"`
	Reasons  []string  `json:"reasons,omitempty"`
	Answer   string    `json:"answer,omitempty"`
	At       time.Time `json:"at"`
}

func (a *answers) finding(h *finding.Hit) error {
	f := finding.New("", *h, finding.Favour{})
	b, err := json.Marshal(map[string]found{"finding": {
		Rule: f.Rule, Title: f.Title, Level: string(f.Level), Risk: f.Risk, Actor: string(f.Actor), Group: f.Group,
		Patients: f.Patients, Entries: f.Entries, Reasons: f.Reasons, Answer: f.Answer, At: h.At,
	}})
	if err != nil {
		return fmt.Errorf("encode finding: %w", err)
	}
	_, err = a.to.Write(append(b, '\n'))
	return err
}

// reasons writes what speaks for misuse, then what explains.
func reasons(b []byte, lists ...[]string) []byte {
	b = append(b, `,"reasons":[`...)
	first := true
	for _, list := range lists {
		for _, r := range list {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = quoted(b, r)
		}
	}
	return append(b, ']')
}

func quoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) //nolint:errcheck // what is no UTF-8 becomes U+FFFD
	return b
}

func number(b []byte, f float64) []byte { return strconv.AppendFloat(b, f, 'g', 6, 64) }
