package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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
	kindPolicy  register.Kind = "policy"
	kindVersion register.Kind = "policy-version"
	kindSigned  register.Kind = "acknowledgement"
)

// State says where a policy is in its life.
type State = register.State

// The states.
const (
	Draft     State = "draft" // its text waits for a second person; the version before, if there is one, is in force
	Approved  State = "approved"
	Withdrawn State = "withdrawn"
)

// Head is what stands before the text of a policy, as YAML between two lines of ---.
type Head struct {
	Title    string   `yaml:"title" json:"title"`
	Reason   string   `yaml:"reason" json:"reason"`               // why there is such a rule
	Owner    string   `yaml:"owner" json:"owner"`                 // who answers for it, by username or id
	Every    int      `yaml:"every" json:"every"`                 // months after which it is looked at again, 1 to 12
	Roles    []string `yaml:"roles" json:"roles,omitempty"`       // whom it concerns; everybody where it is empty
	Checks   []string `yaml:"checks" json:"checks,omitempty"`     // that show that it is lived
	Controls []string `yaml:"controls" json:"controls,omitempty"` // requirements of the catalogue that ask for it
}

// Policy is what is kept of one.
type Policy struct {
	Head
	OwnerName string        `json:"owner_name"`
	Text      string        `json:"text"` // Markdown
	Version   int           `json:"version"`
	Proposed  tutela.UserID `json:"proposed"` // who wrote the draft
	Withdrawn string        `json:"withdrawn,omitempty"`
}

// Version is a policy as it was approved. It does not change.
type Version struct {
	Policy string `json:"policy"`
	Number int    `json:"number"`
	Head
	Text     string        `json:"text"`
	Digest   string        `json:"digest"` // of the text
	At       time.Time     `json:"at"`
	Approver tutela.UserID `json:"approver"`
	Author   tutela.UserID `json:"author"`
}

// signed is somebody's acknowledgement.
type signed struct {
	Policy string        `json:"policy"`
	Number int           `json:"number"`
	Digest string        `json:"digest"`
	User   tutela.UserID `json:"user"`
	Name   string        `json:"name"`
	At     time.Time     `json:"at"`
}

// Bounds.
const (
	maxFile = 128 << 10
	maxLine = 500
	maxList = 50
)

// Parse reads a policy: YAML between two lines of ---, and Markdown after it.
func Parse(file []byte) (Head, string, error) {
	bad := func(format string, args ...any) (Head, string, error) {
		return Head{}, "", errs.New(errs.Invalid, format, args...)
	}
	if len(file) > maxFile || !utf8.Valid(file) {
		return bad("a policy is UTF-8 of %d bytes at most", maxFile)
	}
	text := strings.ReplaceAll(string(file), "\r\n", "\n")
	rest, found := strings.CutPrefix(text, "---\n")
	head, body, closed := strings.Cut(rest, "\n---\n")
	if !found || !closed {
		return bad("a policy begins with a line of ---, its title, reason, owner and every as YAML, and another line of ---")
	}
	var h Head
	d := yaml.NewDecoder(bytes.NewReader([]byte(head)))
	d.KnownFields(true)
	if err := d.Decode(&h); err != nil {
		return bad("what stands before the text cannot be read: %v", err)
	}
	body = strings.TrimSpace(body)
	for _, s := range slices.Concat([]string{h.Title, h.Reason}, h.Roles, h.Checks, h.Controls) {
		if strings.TrimSpace(s) == "" || len(s) > maxLine || strings.ContainsAny(s, "\n\x00") {
			return bad("a policy has a title and a reason, each in one line of %d bytes at most", maxLine)
		}
	}
	switch {
	case body == "":
		return bad("the policy has no text")
	case h.Every < 1 || h.Every > 12:
		return bad("a policy is looked at again every 1 to 12 months")
	case max(len(h.Roles), len(h.Checks), len(h.Controls)) > maxList:
		return bad("roles, checks and controls are %d each at most", maxList)
	}
	return h, body + "\n", nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
