package console

import (
	"net/url"
	"strconv"
	"time"

	"github.com/tutela-health/tutela/assure/duty"
	"github.com/tutela-health/tutela/assure/policy"
	"github.com/tutela-health/tutela/assure/training"
	"github.com/tutela-health/tutela/internal/errs"
)

// The addresses of what people are to do, to read and to know.
const (
	dutiesPath   = home + "duties"
	policiesPath = home + "policies"
	trainingPath = home + "training"
)

// dutiesBody is what is to be done: by the reader, and for those who may see it by everybody.
type dutiesBody struct {
	Mine []duty.Kept
	All  []duty.Kept // nil: not for the reader
}

// Page is where a duty is done, empty where it is done on the command line.
func (dutiesBody) Page(k duty.Kept) string {
	switch {
	case k.Kind == "policy" && k.What == "read and acknowledge the policy":
		return policiesPath + "/" + url.PathEscape(k.ID)
	case k.Kind == "module":
		return trainingPath + "/" + url.PathEscape(k.ID)
	}
	return ""
}

// duties lists them.
func duties(v *visit) (err error) {
	var b dutiesBody
	if b.Mine, err = get[[]duty.Kept](v, "/api/v1/duties/mine"); err != nil {
		return err
	}
	if v.may(listDuties) {
		if b.All, err = get[[]duty.Kept](v, "/api/v1/duties"); err != nil {
			return err
		}
	}
	return draw(v, "duties", page[dutiesBody]{Title: "To do", Place: "duties", Body: b})
}

// policiesBody are the policies that concern the reader, and for those who may see it how all of them stand.
type policiesBody struct {
	Mine []policy.Mine
	All  []policy.Kept // nil: not for the reader
}

// Late are those who have not acknowledged a policy in time.
func (policiesBody) Late(k policy.Kept) (names []string) {
	for _, m := range k.Missing {
		if m.Overdue {
			names = append(names, m.Name)
		}
	}
	return names
}

// Read is how many have acknowledged a policy.
func (policiesBody) Read(k policy.Kept) int { return k.Concerned - len(k.Missing) }

func policies(v *visit) (err error) {
	var b policiesBody
	if b.Mine, err = get[[]policy.Mine](v, "/api/v1/policies/mine"); err != nil {
		return err
	}
	if v.may(listPolicies) {
		if b.All, err = get[[]policy.Kept](v, "/api/v1/policies"); err != nil {
			return err
		}
	}
	return draw(v, "policies", page[policiesBody]{Title: "Policies", Place: "policies", Body: b})
}

// policyBody is one policy that concerns the reader.
type policyBody struct {
	policy.Mine
	Blocks []block
}

func onePolicy(v *visit) error {
	list, err := get[[]policy.Mine](v, "/api/v1/policies/mine")
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.Policy == v.r.PathValue("id") {
			return draw(v, "policy", page[policyBody]{Title: m.Title, Place: "policies", Up: policiesPath, UpName: "Policies", Body: policyBody{m, untitled(prose(m.Text), m.Title)}})
		}
	}
	return notHere()
}

// untitled leaves out a heading that says what the page's own says.
func untitled(list []block, title string) []block {
	if len(list) > 0 && list[0].Kind == "heading" && len(list[0].Items[0]) == 1 && list[0].Items[0][0].Text == title {
		return list[1:]
	}
	return list
}

// acknowledgePolicy says that the reader has read what the form was under.
func acknowledgePolicy(v *visit) (string, error) {
	_, err := post[policy.Mine](v, "/api/v1/policies/"+v.id("id")+"/acknowledge", map[string]string{"digest": v.value("digest")})
	return policiesPath + "/" + v.id("id") + "?done=acknowledged", err
}

// trainingBody are the modules that are for the reader, and for those who may see it how all of them stand.
type trainingBody struct {
	Mine []training.Mine
	All  []training.Kept // nil: not for the reader
}

// Late are those who have not passed a module in time.
func (trainingBody) Late(k training.Kept) (names []string) {
	for _, m := range k.Missing {
		if m.Overdue {
			names = append(names, m.Name)
		}
	}
	return names
}

// Current is how many have passed a module of late.
func (trainingBody) Current(k training.Kept) int { return k.Concerned - len(k.Missing) }

func trainings(v *visit) (err error) {
	var b trainingBody
	if b.Mine, err = get[[]training.Mine](v, "/api/v1/training/mine"); err != nil {
		return err
	}
	if v.may(listTraining) {
		if b.All, err = get[[]training.Kept](v, "/api/v1/training"); err != nil {
			return err
		}
	}
	return draw(v, "training", page[trainingBody]{Title: "Training", Place: "training", Body: b})
}

// moduleBody is one module that is for the reader.
type moduleBody struct {
	training.Mine
	Blocks []block
}

func oneModule(v *visit) error {
	m, err := v.module()
	if err != nil {
		return err
	}
	return draw(v, "module", page[moduleBody]{Title: m.Title, Place: "training", Up: trainingPath, UpName: "Training", Body: moduleBody{m, untitled(prose(m.Text), m.Title)}})
}

// Counts reports whether the reader's pass still counts.
func (b moduleBody) Counts(now time.Time) bool {
	return b.Result != nil && !b.Result.Last.IsZero() && now.Before(b.Ends())
}

// Ends is when it no longer does.
func (b moduleBody) Ends() time.Time { return b.Result.Last.AddDate(0, b.Every, 0) }

// certificate is a pass, to print.
func certificate(v *visit) error {
	m, err := v.module()
	if err != nil {
		return err
	}
	b := moduleBody{Mine: m}
	if !b.Counts(v.now) {
		return notHere()
	}
	return draw(v, "certificate", page[moduleBody]{Title: "Certificate", Place: "training", Up: trainingPath + "/" + v.id("id"), UpName: m.Title, Body: b})
}

func (v *visit) module() (training.Mine, error) {
	list, err := get[[]training.Mine](v, "/api/v1/training/mine")
	if err != nil {
		return training.Mine{}, err
	}
	for _, m := range list {
		if m.ID == v.r.PathValue("id") {
			return m, nil
		}
	}
	return training.Mine{}, notHere()
}

// takeModule sends the reader's answers to the module that the form was under.
func takeModule(v *visit) (string, error) {
	m, err := v.module()
	if err != nil {
		return "", err
	}
	said := struct {
		Digest  string `json:"digest"`
		Answers []int  `json:"answers"`
	}{Digest: v.value("digest")}
	for i := range m.Questions {
		n, err := strconv.Atoi(v.value("q" + strconv.Itoa(i+1)))
		if err != nil {
			return "", errs.New(errs.Invalid, "answer every question; number %d is open", i+1)
		}
		said.Answers = append(said.Answers, n)
	}
	r, err := post[training.Result](v, "/api/v1/training/"+v.id("id")+"/answers", said)
	switch {
	case err != nil:
		return "", err
	case !r.Pass:
		return "", errs.New(errs.Unprocessable, "%d percent are right, and %d are needed: read it again, and try once more", r.Score, m.Pass)
	}
	done := "passed"
	if r.Last.IsZero() {
		done = "answered"
	}
	return trainingPath + "/" + v.id("id") + "?done=" + done, nil
}
