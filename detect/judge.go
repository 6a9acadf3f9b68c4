package detect

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Filter says which findings a list holds. Its zero value holds all.
type Filter struct {
	State finding.State // empty for every
	Actor string        // account
	Rule  string
	Level finding.Level // this one and those above it
	Risk  int           // at least
	Since time.Time     // last hit at or after
	After string        // Page.Next of the page before
	Limit int           // 0 means 50; at most 500
}

// The sizes of a page.
const (
	defaultPage = 50
	maxPage     = 500
	pageRead    = 200 // rows that are read at a time
)

// Page is a part of a list.
type Page struct {
	Findings []finding.Finding `json:"findings"`
	Next     string            `json:"next,omitempty"` // where the list goes on; empty at its end
}

// List gives findings, open ones first and the riskiest of them. Nobody sees what is about himself: that
// looks as if it was not there. The caller has decided that by may look.
func (s *Service) List(ctx context.Context, by tutela.Principal, f Filter) (Page, error) {
	after, err := parsePlace(f.After)
	if err != nil {
		return Page{}, err
	}
	size := defaultPage
	if f.Limit > 0 {
		size = min(f.Limit, maxPage)
	}
	p := Page{Findings: []finding.Finding{}}
	for {
		rows, err := s.ranked(ctx, after, f.State, pageRead)
		if err != nil {
			return Page{}, err
		}
		for _, r := range rows {
			if about(r.Actor, by) || !f.holds(r.Finding) {
				continue
			}
			if len(p.Findings) == size {
				p.Next = after.String()
				return p, nil
			}
			p.Findings = append(p.Findings, r.Finding)
			if after, err = r.place(); err != nil {
				return Page{}, err
			}
		}
		if len(rows) < pageRead {
			return p, nil
		}
		if after, err = rows[len(rows)-1].place(); err != nil {
			return Page{}, err
		}
	}
}

func (f Filter) holds(g finding.Finding) bool {
	return (f.Actor == "" || string(g.Actor) == f.Actor) && (f.Rule == "" || g.Rule == f.Rule) &&
		g.Level.Severity() >= f.Level.Severity() && g.Risk >= f.Risk && !g.Last.Before(f.Since)
}

// about reports whether an account is the caller's own, by its id or, as other systems tell it, its name.
func about(actor tutela.UserID, by tutela.Principal) bool {
	return actor != "" && (actor == by.ID || strings.EqualFold(string(actor), by.Username))
}

// place is where a list goes on behind a finding.
func (r row) place() (place, error) {
	closed, rank, _, _, _ := r.columns()
	id, err := hex.DecodeString(r.ID)
	return place{closed, rank, id}, err
}

// String gives a place as a page names it.
func (p place) String() string { return fmt.Sprintf("%d-%d-%x", p.closed, p.rank, p.id) }

func parsePlace(s string) (place, error) {
	if s == "" {
		return place{-1, 0, []byte{}}, nil
	}
	parts := strings.Split(s, "-")
	bad := errs.New(errs.Invalid, "after is not what a page before gave as next")
	if len(parts) != 3 {
		return place{}, bad
	}
	closed, err := strconv.ParseInt(parts[0], 10, 8)
	if err != nil {
		return place{}, bad
	}
	rank, err := strconv.ParseInt(parts[1], 10, 16)
	if err != nil {
		return place{}, bad
	}
	id, err := hex.DecodeString(parts[2])
	if err != nil || len(id) != 16 {
		return place{}, bad
	}
	return place{closed, rank, id}, nil
}

// Find gives a finding. What is about the caller himself is not there.
func (s *Service) Find(ctx context.Context, by tutela.Principal, id string) (finding.Finding, error) {
	r, err := s.visible(ctx, by, id)
	if err != nil {
		return finding.Finding{}, err
	}
	return r.Finding, nil
}

func (s *Service) visible(ctx context.Context, by tutela.Principal, id string) (row, error) {
	r, err := s.find(ctx, id)
	if err == nil && about(r.Actor, by) {
		return row{}, notFound()
	}
	return r, err
}

// longestNote is how many characters a note takes.
const longestNote = 2000

// Judge closes a finding with a verdict, and a note that lies under the general key in the ledger. Another
// verdict may replace it. Nobody judges what is about himself. base is the entry, of a caller of whom it was
// decided that he may; it is written with the verdict.
func (s *Service) Judge(ctx context.Context, by tutela.Principal, base tutela.Entry, id string, v finding.Verdict, note string) (finding.Finding, error) {
	if !v.Valid() {
		return finding.Finding{}, errs.New(errs.Invalid, "the verdict is %s, %s or %s", finding.True, finding.Benign, finding.Expected)
	}
	hidden := func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) }
	if note = strings.TrimSpace(note); utf8.RuneCountInString(note) > longestNote || !utf8.ValidString(note) || strings.ContainsFunc(note, hidden) {
		return finding.Finding{}, errs.New(errs.Invalid, "the note takes %d characters of text at most", longestNote)
	}
	for try := 1; ; try++ {
		r, err := s.visible(ctx, by, id)
		if err != nil {
			return finding.Finding{}, err
		}
		r.Judge(v, s.now())
		err = s.judged(ctx, r, base, note)
		if err == nil || !errs.Is(err, errs.Conflict) || try == tries {
			return r.Finding, err
		}
	}
}

// judged writes a verdict with its entry.
func (s *Service) judged(ctx context.Context, r row, base tutela.Entry, note string) error {
	c, err := s.save(ctx, r)
	if err != nil {
		return err
	}
	base.Outcome = tutela.OutcomeSuccess
	base.Subject = &tutela.Subject{Kind: "finding", ID: r.ID, Detail: string(r.Verdict)}
	var sections []tutela.Section
	if note != "" {
		body, err := json.Marshal(map[string]string{"note": note})
		if err != nil {
			return fmt.Errorf("encode note: %w", err)
		}
		sections = []tutela.Section{{Patient: tutela.BucketGeneral, Body: body}}
	}
	leaves, err := s.cfg.Audit.Encode(ctx, base, sections, nil)
	if err != nil {
		return fmt.Errorf("write entry of verdict: %w", err)
	}
	return s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{c}, Entries: leaves})
}
