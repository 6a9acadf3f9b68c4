package fhir_test

import (
	"math/big"
	"strings"
	"time"

	"github.com/tutela-health/tutela/r4"
)

// values gives what a random resource has for a parameter.
func (a asker) values(typ string, p *r4.Param) []r4.Value {
	for range 6 {
		s := pick(a.rng, a.c.byType[typ])
		var all []r4.Value
		for _, b := range p.Branches {
			all = append(all, r4.Extract(s.parsed, b, p.Type)...)
		}
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

func (a asker) wanted(typ string, p *r4.Param, modifier string) (wanted, bool) {
	values := a.values(typ, p)
	if len(values) == 0 {
		return wanted{}, false
	}
	v := pick(a.rng, values)
	switch p.Type {
	case r4.ParamToken:
		return a.token(v.Token)
	case r4.ParamString:
		return a.words(v.Text)
	case r4.ParamDate:
		return a.date(v.Date)
	case r4.ParamReference:
		return a.target(v.Reference, modifier)
	case r4.ParamNumber, r4.ParamQuantity:
		return a.amount(v.Quantity, p.Type == r4.ParamQuantity)
	default:
		return a.uri(v.Text, modifier)
	}
}

func (a asker) token(v r4.Token) (wanted, bool) {
	w := wanted{text: a.near(v.Code)}
	if v.Implied {
		if none := ""; a.chance(10) {
			w.system = &none
		}
		return w, w.text != ""
	}
	switch a.rng.IntN(4) {
	case 0:
		w.system = &v.System
	case 1:
		if system := a.near(v.System); system != "" {
			w.system = &system
		}
	case 2:
		if a.chance(40) && v.System != "" {
			w.text, w.system = "", &v.System
		}
	}
	return w, w.text != "" || w.system != nil && *w.system != ""
}

// near gives a value back, or one that differs in its last letter.
func (a asker) near(s string) string {
	if !a.chance(12) || s == "" {
		return s
	}
	if a.chance(50) {
		return s + "0"
	}
	return strings.ToUpper(s[:len(s)-1])
}

func (a asker) words(s string) (wanted, bool) {
	runes := []rune(s)
	if a.chance(60) {
		runes = runes[:1+a.rng.IntN(len(runes))]
	}
	w := wanted{text: string(runes)}
	switch a.rng.IntN(4) {
	case 0:
		w.text = strings.ToUpper(w.text)
	case 1:
		w.text = plain(w.text)
	}
	return w, plain(w.text) != ""
}

// date gives a time near the value's, in any precision, under any prefix.
func (a asker) date(v r4.Interval) (wanted, bool) {
	at := v.Low
	if at.IsZero() || a.chance(30) && !v.High.IsZero() {
		at = v.High
	}
	if a.chance(40) {
		at = at.Add(time.Duration(a.rng.Int64N(int64(400*24*time.Hour))) - 200*24*time.Hour)
	}
	at = at.In(time.FixedZone("", (a.rng.IntN(25)-12)*3600))
	layout := pick(a.rng, []string{"2006", "2006-01", "2006-01-02", "2006-01-02", "2006-01-02T15:04Z07:00", time.RFC3339, "2006-01-02T15:04:05.000Z07:00"})
	prefix := pick(a.rng, []string{"", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})
	return wanted{prefix: prefix, text: at.Format(layout)}, at.Year() > 1000
}

func (a asker) target(v r4.Reference, modifier string) (wanted, bool) {
	if modifier == "identifier" {
		return wanted{text: v.Identifier.Code, system: &v.Identifier.System}, v.Identifier.Code != "" && v.Identifier.System != ""
	}
	if v.URL != "" {
		return wanted{text: v.URL}, modifier == ""
	}
	if v.ID == "" {
		return wanted{}, false
	}
	if a.chance(40) || modifier != "" && modifier != v.Type {
		return wanted{text: v.ID}, true
	}
	return wanted{text: v.Type + "/" + v.ID}, true
}

func (a asker) amount(v r4.Quantity, quantity bool) (wanted, bool) {
	at := v.Low
	if at == nil {
		at = v.High
	}
	if at == nil {
		return wanted{}, false
	}
	if a.chance(30) {
		at = new(big.Rat).Mul(at, big.NewRat(int64(80+a.rng.IntN(40)), 100))
	}
	w := wanted{prefix: pick(a.rng, []string{"", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"}), text: at.FloatString(a.rng.IntN(8))}
	if quantity && a.chance(40) {
		system, unit := v.System, v.Code
		if a.chance(30) {
			system, unit = "", v.Unit
		}
		w.system, w.unit = &system, &unit
		return w, system != "" || unit != ""
	}
	return w, true
}

func (a asker) uri(v, modifier string) (wanted, bool) {
	if modifier != "" && a.chance(50) {
		v = v[:1+a.rng.IntN(len(v))]
	}
	return wanted{text: a.near(v)}, v != ""
}
