package training

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/errs"
)

// The register's words for what is kept here.
const (
	kindModule register.Kind = "module"
	kindResult register.Kind = "training-result"
)

// The states of a module, and of a result.
const (
	Live      register.State = "live"
	Withdrawn register.State = "withdrawn"
	Passed    register.State = "passed"
	Failed    register.State = "failed"
	Begun     register.State = "begun" // the questions or the lab are done, and not both
)

// Question has one right answer.
type Question struct {
	Ask     string   `yaml:"ask" json:"ask"`
	Answers []string `yaml:"answers" json:"answers"`
	Right   int      `yaml:"right" json:"right"` // from 1
}

// Head is what stands before the text of a module, as YAML between two lines of ---.
type Head struct {
	Title string   `yaml:"title" json:"title"`
	Roles []string `yaml:"roles" json:"roles,omitempty"` // whom it is for; everybody where it is empty
	Every int      `yaml:"every" json:"every"`           // months after which it is taken again, 1 to 36
	Pass  int      `yaml:"pass" json:"pass"`             // percent of the questions, at least
	// Outside says that it is taken elsewhere: a course, a phishing test, a drill. Its results are brought in.
	Outside   bool       `yaml:"outside" json:"outside,omitempty"`
	Questions []Question `yaml:"questions" json:"questions,omitempty"`
	Lab       *Lab       `yaml:"lab" json:"lab,omitempty"`
}

// Module is what is to be known.
type Module struct {
	Head
	Text   string    `json:"text"` // Markdown
	Since  time.Time `json:"since"`
	Digest string    `json:"digest"` // SHA-256 of text and questions, as a taker saw them
}

// Result is what somebody showed. Its item's revisions are his tries.
type Result struct {
	Module   string        `json:"module"`
	User     tutela.UserID `json:"user"`
	Name     string        `json:"name"`
	Score    int           `json:"score"` // percent
	Pass     bool          `json:"pass"`
	At       time.Time     `json:"at,omitzero"`
	Best     int           `json:"best,omitempty"`    // the score by which his questions count
	Last     time.Time     `json:"last,omitzero"`     // when he passed, of late: questions, and the lab where there is one
	Answered time.Time     `json:"answered,omitzero"` // when his answers were right enough, of late
	Mended   time.Time     `json:"mended,omitzero"`   // when he handed in a mended lab, of late
	Digest   string        `json:"digest,omitempty"`  // of the module that he saw
	By       string        `json:"by,omitempty"`      // who brought the result in
}

// Bounds.
const (
	maxFile      = 256 << 10
	maxLine      = 1000
	maxQuestions = 50
	maxAnswers   = 8
	maxRoles     = 50
)

// Parse reads a module: YAML between two lines of ---, and Markdown after it.
func Parse(file []byte) (Module, error) {
	bad := func(format string, args ...any) (Module, error) {
		return Module{}, errs.New(errs.Invalid, format, args...)
	}
	if len(file) > maxFile || !utf8.Valid(file) {
		return bad("a module is UTF-8 of %d bytes at most", maxFile)
	}
	rest, found := strings.CutPrefix(strings.ReplaceAll(string(file), "\r\n", "\n"), "---\n")
	head, body, closed := strings.Cut(rest, "\n---\n")
	if !found || !closed {
		return bad("a module begins with a line of ---, its title, every, pass and questions as YAML, and another line of ---")
	}
	m := Module{Text: strings.TrimSpace(body) + "\n"}
	d := yaml.NewDecoder(bytes.NewReader([]byte(head)))
	d.KnownFields(true)
	if err := d.Decode(&m.Head); err != nil {
		return bad("what stands before the text cannot be read: %v", err)
	}
	if err := m.check(); err != nil {
		return Module{}, err
	}
	sum := sha256.New()
	sum.Write([]byte(m.Text))
	for _, q := range m.Questions {
		sum.Write([]byte(q.Ask + "\n" + strings.Join(q.Answers, "\n") + "\n"))
	}
	if m.Lab != nil {
		for _, name := range slices.Sorted(maps.Keys(m.Lab.Files)) {
			sum.Write([]byte(name + "\n" + m.Lab.Files[name] + "\n"))
		}
	}
	m.Digest = hex.EncodeToString(sum.Sum(nil))
	return m, nil
}

func (m Module) check() error {
	bad := func(format string, args ...any) error { return errs.New(errs.Invalid, format, args...) }
	lines := slices.Concat([]string{m.Title}, m.Roles)
	for _, q := range m.Questions {
		lines = append(append(lines, q.Ask), q.Answers...)
	}
	for _, s := range lines {
		if strings.TrimSpace(s) == "" || len(s) > maxLine || strings.ContainsAny(s, "\n\x00") {
			return bad("title, roles, questions and answers are of one line each, of %d bytes at most", maxLine)
		}
	}
	switch {
	case strings.TrimSpace(m.Text) == "":
		return bad("the module has no text")
	case m.Every < 1 || m.Every > 36:
		return bad("a module is taken again every 1 to 36 months")
	case m.Outside && (len(m.Questions) > 0 || m.Pass != 0):
		return bad("what is taken elsewhere has no questions here, and no pass")
	case m.Outside && m.Lab != nil:
		return bad("what is taken elsewhere has no lab here")
	case !m.Outside && (len(m.Questions) == 0 || m.Pass < 1 || m.Pass > 100):
		return bad("a module has questions, and a pass of 1 to 100 percent of them")
	case len(m.Questions) > maxQuestions || len(m.Roles) > maxRoles:
		return bad("a module has %d questions at most", maxQuestions)
	}
	if m.Lab != nil {
		if err := m.Lab.check(); err != nil {
			return err
		}
	}
	for i, q := range m.Questions {
		if len(q.Answers) < 2 || len(q.Answers) > maxAnswers || q.Right < 1 || q.Right > len(q.Answers) {
			return bad("question %d has 2 to %d answers, and right is the number of one of them", i+1, maxAnswers)
		}
	}
	return nil
}

// score is how many percent of the answers, from 1, are right.
func (m Module) score(answers []int) int {
	right := 0
	for i, q := range m.Questions {
		if answers[i] == q.Right {
			right++
		}
	}
	return 100 * right / len(m.Questions)
}

// blind is a module as its takers see it.
func (m Module) blind() Module {
	m.Questions = slices.Clone(m.Questions)
	for i := range m.Questions {
		m.Questions[i].Right = 0
	}
	return m
}
