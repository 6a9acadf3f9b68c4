package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/respond/breach"
	"github.com/tutela-health/tutela/respond/breach/duty"
)

// breachesPath is the address of the list.
const breachesPath = home + "breaches"

// breachesBody is the cases, and what is owed in them by day.
type breachesBody struct {
	All  bool // closed ones, too
	List []breach.Case
	Owed []dutyLine
}

// breaches lists cases that are open, unless all are asked for.
func breaches(v *visit) error {
	b := breachesBody{All: v.query("closed") == "true"}
	path := "/api/v1/breaches"
	if b.All {
		path += "?closed=true"
	}
	var err error
	if b.List, err = get[[]breach.Case](v, path); err != nil {
		return err
	}
	b.Owed = openDuties(b.List)
	return draw(v, "breaches", page[breachesBody]{Title: "Breaches", Place: "breaches", Body: b})
}

// newBreachBody asks whom accesses reached, to open a case by it.
type newBreachBody struct {
	Incident string
	Zone     string
	Laws     []lawChoice
	Scope    *breach.Scope
}

// lawChoice is a law whose duties may be asked for.
type lawChoice struct {
	duty.Law
	Title  string
	Chosen bool
}

// newBreach shows the form.
func newBreach(v *visit) error { return askBreach(v, nil) }

func askBreach(v *visit, sc *breach.Scope) error {
	cases, err := get[[]breach.Case](v, "/api/v1/breaches?closed=true")
	if err != nil {
		return err
	}
	b := newBreachBody{Incident: cmp.Or(v.value("incident"), v.query("incident")), Zone: v.value("zone"), Scope: sc}
	if b.Zone == "" && len(cases) > 0 {
		b.Zone = cases[0].Facts.Zone
	}
	typed := v.r.Method == http.MethodPost
	for _, l := range []lawChoice{
		{Law: duty.HIPAA, Title: "HIPAA (45 CFR 164.400–414)", Chosen: true}, {Law: duty.States, Title: "States of the United States, by residents", Chosen: true},
		{Law: duty.GDPR, Title: "GDPR (Articles 33, 34)"}, {Law: duty.PIPEDA, Title: "PIPEDA (10.1)"},
	} {
		if typed {
			l.Chosen = slices.Contains(v.r.PostForm["law"], string(l.Law))
		}
		b.Laws = append(b.Laws, l)
	}
	return draw(v, "breach-new", page[newBreachBody]{Title: "Whom did it reach?", Place: "breaches", Up: breachesPath, UpName: "Breaches", Body: b})
}

// asked reads whose accesses are meant.
func (v *visit) asked() (breach.Ask, error) {
	a := breach.Ask{Actor: v.value("actor"), Session: v.value("session"), Client: v.value("client"), Address: v.value("address"), Patients: strings.Fields(v.value("patients"))}
	var err error
	if a.From, err = moment(v.value("from")); err == nil {
		a.To, err = moment(v.value("to"))
	}
	return a, err
}

// scopeBreach shows whom accesses reached.
func scopeBreach(v *visit) error {
	a, err := v.asked()
	if err == nil {
		var sc breach.Scope
		if sc, err = post[breach.Scope](v, "/api/v1/breaches/scope", a); err == nil {
			return askBreach(v, &sc)
		}
	}
	if !mendable(err) {
		return err
	}
	v.status, v.wrong = httpx.Status(err), problem{Text: sentence(errs.Public(err))}
	return newBreach(v)
}

// openBreach opens a case.
func openBreach(v *visit) (string, error) {
	o := breach.Opening{Title: v.value("title"), Incident: v.value("incident"), Storage: v.value("storage") != ""}
	o.Facts = duty.Facts{Zone: v.value("zone"), Associate: v.value("associate") != ""}
	for _, l := range v.r.PostForm["law"] {
		o.Facts.Laws = append(o.Facts.Laws, duty.Law(l))
	}
	var err error
	if text := v.value("discovered"); text != "" {
		if o.Facts.Discovered, err = moment(text); err != nil {
			return "", err
		}
	}
	if o.Storage {
		if o.Facts.Individuals, err = strconv.Atoi(cmp.Or(v.value("individuals"), "0")); err != nil {
			return "", errs.New(errs.Invalid, "say in digits how many people are concerned")
		}
	} else if o.Ask, err = v.asked(); err != nil {
		return "", err
	}
	c, err := post[breach.Case](v, "/api/v1/breaches", o)
	return oneOf(breachesPath, c.ID, "breach-opened"), err
}

// breachBody is one case.
type breachBody struct {
	breach.Case
	Last       *breach.Assessment // that holds; nil: nobody has assessed it
	Factors    []factorLine
	Levels     []string
	Findings   []choice
	Exceptions []choice
}

// factorLine is one of the four of 45 CFR 164.402(2), as it was assessed, or else as it is proposed.
type factorLine struct {
	Name, Title string
	breach.Factor
}

// choice is a value of a field with its words.
type choice struct{ Value, Title string }

// oneBreach shows a case with what is owed.
func oneBreach(v *visit) error {
	c, err := get[breach.Case](v, "/api/v1/breaches/"+v.id("id"))
	if err != nil {
		return err
	}
	b := breachBody{
		Case: c, Levels: []string{string(breach.Low), string(breach.Medium), string(breach.High)},
		Findings: []choice{
			{string(breach.Presumed), "It is a breach"}, {string(breach.LowProbability), "Low probability that data was compromised, by all four factors"},
			{string(breach.Excepted), "An exception holds"}, {string(breach.Secured), "The data was secured"},
		},
		Exceptions: []choice{
			{"", "none"}, {string(breach.Unintentional), string(breach.Unintentional) + ": by the workforce, in good faith, within authority"},
			{string(breach.Inadvertent), string(breach.Inadvertent) + ": between people who are authorised in one organisation"},
			{string(breach.NotRetained), string(breach.NotRetained) + ": whoever had it could not have kept it"},
		},
	}
	form := c.Form
	if n := len(c.Assessment); n > 0 {
		b.Last = &c.Assessment[n-1]
		form = b.Last.Form
	}
	b.Factors = []factorLine{
		{"nature", "(i) Nature and extent of the data", form.Nature}, {"person", "(ii) Who used it, or to whom it was disclosed", form.Person},
		{"acquired", "(iii) Whether it was actually acquired or viewed", form.Acquired}, {"mitigation", "(iv) To what extent the risk was mitigated", form.Mitigation},
	}
	return draw(v, "breach", page[breachBody]{Title: c.Title, Place: "breaches", Up: breachesPath, UpName: "Breaches", Body: b})
}

// assessBreach decides whether a case is a breach.
func assessBreach(v *visit) (string, error) {
	factor := func(name string) breach.Factor {
		return breach.Factor{Level: breach.Level(v.value(name)), Reason: v.value(name + "-reason")}
	}
	err := send(v, "/api/v1/breaches/"+v.id("id")+"/assessment", breach.Assessment{
		Form:      breach.Form{Nature: factor("nature"), Person: factor("person"), Acquired: factor("acquired"), Mitigation: factor("mitigation")},
		Exception: breach.Exception(v.value("exception")), Finding: breach.Finding(v.value("finding")), Reason: v.value("reason"),
		Risk: duty.Risk(v.value("risk")), Harm: v.value("harm") != "",
	})
	return oneOf(breachesPath, v.r.PathValue("id"), "assessed"), err
}

// trackBreach writes down what became of notices.
func trackBreach(v *visit) (string, error) {
	err := send(v, "/api/v1/breaches/"+v.id("id")+"/deliveries", []breach.Delivery{{
		Duty: v.value("duty"), Patient: v.value("patient"), State: breach.State(v.value("state")), How: v.value("how"),
	}})
	return oneOf(breachesPath, v.r.PathValue("id"), "tracked"), err
}

// delayBreach writes down that law enforcement asked for silence.
func delayBreach(v *visit) (string, error) {
	d := duty.Delay{Official: v.value("official"), Written: v.value("written") != ""}
	var err error
	if d.Stated, err = moment(v.value("stated")); err != nil {
		return "", err
	}
	if text := v.value("until"); text != "" {
		if d.Until, err = moment(text); err != nil {
			return "", err
		}
	}
	err = send(v, "/api/v1/breaches/"+v.id("id")+"/delay", d)
	return oneOf(breachesPath, v.r.PathValue("id"), "tracked"), err
}

// closeBreach ends a case in which nothing is owed.
func closeBreach(v *visit) (string, error) {
	err := send(v, "/api/v1/breaches/"+v.id("id")+"/close", struct{}{})
	return oneOf(breachesPath, v.r.PathValue("id"), "breach-closed"), err
}

// lettersBody is the notices of a duty, or the form that asks what only people can say.
type lettersBody struct {
	ID     string
	Duties []breach.Owed
	Drafts *breach.Drafts
}

// breachLetters shows the form.
func breachLetters(v *visit) error { return showLetters(v, nil) }

func showLetters(v *visit, d *breach.Drafts) error {
	c, err := get[breach.Case](v, "/api/v1/breaches/"+v.id("id"))
	if err != nil {
		return err
	}
	return draw(v, "letters", page[lettersBody]{
		Title: "Notices", Place: "breaches", Up: breachesPath + "/" + url.PathEscape(c.ID), UpName: c.Title, Body: lettersBody{ID: c.ID, Duties: c.Duties, Drafts: d},
	})
}

// draftLetters drafts them. A page holds so many; the command writes more as files.
func draftLetters(v *visit) error {
	const most = 500
	var d breach.Drafts
	c, err := get[breach.Case](v, "/api/v1/breaches/"+v.id("id"))
	if err == nil && slices.ContainsFunc(c.Duties, func(o breach.Owed) bool { return o.ID == v.value("duty") && o.Count > most }) && strings.HasSuffix(v.value("duty"), "individuals") {
		err = errs.New(errs.Unprocessable, "these are more than %d letters: tutela breach letters %s writes them as files", most, c.ID)
	}
	if err == nil {
		d, err = post[breach.Drafts](v, "/api/v1/breaches/"+v.id("id")+"/letters", breach.Words{
			Duty: v.value("duty"), Happened: v.value("happened"), Steps: v.value("steps"), Doing: v.value("doing"), Organisation: v.value("organisation"),
			TollFree: v.value("toll_free"), Email: v.value("email"), Web: v.value("web"), Postal: v.value("postal"),
		})
	}
	if err == nil {
		return showLetters(v, &d)
	}
	if !mendable(err) {
		return err
	}
	v.status, v.wrong = httpx.Status(err), problem{Text: sentence(errs.Public(err))}
	return breachLetters(v)
}

// Last is the last day of a duty, for a calendar.
func (d dutyLine) Last() string {
	if d.Due.IsZero() {
		return "At once"
	}
	if d.Day != "" {
		at, err := time.Parse(time.DateOnly, d.Day)
		if err == nil {
			return at.Format("Monday, 2 Jan 2006")
		}
	}
	return d.Due.UTC().Format("Monday, 2 Jan 2006 15:04")
}
