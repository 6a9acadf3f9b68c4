package console

import (
	"net/http"
	"net/url"
	"time"

	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/internal/errs"
)

// controlsBody is how controls are known: of all regulations the counts and what fails, of one its controls.
type controlsBody struct {
	control.Overview
	Chosen   string // regulation; empty: all
	Kinds    []control.Knowledge
	Controls []control.Control
}

// Counted are the standings of a regulation's controls that are known in one way, as bars, those that there are.
func (controlsBody) Counted(c control.Count, k control.Knowledge) []bar {
	var bars []bar
	for _, s := range control.Standings() {
		if n := c.Known[k][s]; n > 0 {
			bars = append(bars, bar{Label: string(s), Count: n, Class: string(s)})
		}
	}
	return bars
}

// controls lists them.
func controls(v *visit) error {
	q := url.Values{}
	b := controlsBody{Chosen: v.query("regulation"), Kinds: control.Kinds()}
	if b.Chosen == "" {
		q.Set("standing", string(control.Red))
	} else {
		q.Set("regulation", b.Chosen)
	}
	o, err := get[control.Overview](v, "/api/v1/controls?"+q.Encode())
	if err != nil {
		return err
	}
	b.Overview, b.Controls = o, o.Controls
	p := page[controlsBody]{Title: "Controls", Place: "controls", Body: b}
	if b.Chosen != "" {
		p.Title, p.Up, p.UpName = o.Regulations[0].Title, controlsPath, "Controls"
	}
	return draw(v, "controls", p)
}

// controlsPath is the address of the list.
const controlsPath = home + "controls"

// controlBody is one control.
type controlBody struct {
	control.Shown
	Own   bool // this product is to do it
	Until time.Time
}

// oneControl shows a control with its evidence.
func oneControl(v *visit) error {
	s, err := get[control.Shown](v, "/api/v1/controls/"+v.id("id"))
	if err != nil {
		return err
	}
	const usual = 6 // months that a word counts, unless somebody says otherwise
	return draw(v, "control", page[controlBody]{
		Title: s.ID, Place: "controls", Up: controlsPath + "?regulation=" + url.QueryEscape(s.Regulation), UpName: s.Of,
		Body: controlBody{Shown: s, Own: s.Regulation == catalog.Own, Until: v.now.AddDate(0, usual, 0)},
	})
}

// attestControl gives the reader's word on a control.
func attestControl(v *visit) (string, error) {
	until, err := time.Parse(time.DateOnly, v.value("expires"))
	if err != nil {
		return "", errs.New(errs.Invalid, "say until which day that counts")
	}
	address := "/api/v1/controls/" + v.id("id")
	now, err := get[control.Shown](v, address)
	if err != nil {
		return "", err
	}
	a := control.Attestation{Known: control.Attested, Statement: v.value("statement"), Expires: until, Revision: now.Revision}
	_, err = call[control.Attestation](v, http.MethodPut, address+"/attestation", a)
	return controlsPath + "/" + v.id("id") + "?done=attested", err
}

// withdrawControl takes it back.
func withdrawControl(v *visit) (string, error) {
	_, err := call[struct{}](v, http.MethodDelete, "/api/v1/controls/"+v.id("id")+"/attestation", nil)
	return controlsPath + "/" + v.id("id") + "?done=withdrawn", err
}
