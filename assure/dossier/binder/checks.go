package binder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
)

// Checks are what packages can show of themselves by trying.
func (b *Binder) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "govern.package-verifies", Title: "An auditor's package verifies by the ledger's key alone, and an altered one does not",
		Controls: []string{"G10", "P12", "21 CFR 11.10(b)"}, Fresh: 24 * time.Hour, Try: b.try,
	}}
}

// tried is the period of the package that is made to try it, and triedLeaves how many entries it has at most:
// of a busy hour the end is enough, and reads are not kept waiting for the rest.
const (
	tried       = time.Hour
	triedLeaves = 2048
)

// try makes a package of the last hour, or of the end of it, verifies it, alters it and verifies that.
func (b *Binder) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "a package of the last hour"}
	judged := func(v tutela.Verdict, format string, args ...any) tutela.Evidence {
		e.Verdict, e.Observed = v, fmt.Sprintf(format, args...)
		return e
	}
	entry := tutela.Entry{Actor: tutela.Actor{ID: "tutela-assess", Kind: tutela.ActorSystem, Name: "tutela assess"}, Action: tutela.ActionPackageMake}
	done, err := b.Alone()
	if err != nil {
		return judged(tutela.CouldNotCheck, "%v", err)
	}
	defer done()
	text, err := b.sample(ctx, entry)
	switch {
	case errs.Is(err, errs.NotFound):
		return judged(tutela.NotApplicable, "nothing happened in the last hour")
	case errors.Is(err, audit.ErrTampered):
		return judged(tutela.Fail, "it cannot be made: %v", err)
	case err != nil:
		return judged(tutela.CouldNotCheck, "it could not be made: %v", err)
	}
	vkeys, err := b.cfg.Audit.VerifierKeys(ctx)
	if err != nil {
		return judged(tutela.CouldNotCheck, "the ledger's key could not be read: %v", err)
	}
	report, err := dossier.Verify(bytes.NewReader(text), int64(len(text)), vkeys...)
	if err != nil {
		return judged(tutela.Fail, "it cannot be read: %v", err)
	}
	if !report.Good() {
		return judged(tutela.Fail, "it does not verify: %s", strings.Join(report.Problems[:min(len(report.Problems), 2)], "; "))
	}
	altered := bytes.Replace(bytes.Clone(text), []byte(dossier.FirstFile), []byte(strings.ToUpper(dossier.FirstFile)), -1)
	if wrong, err := dossier.Verify(bytes.NewReader(altered), int64(len(altered)), vkeys...); err == nil && wrong.Good() {
		return judged(tutela.Fail, "one that was altered verifies too")
	}
	return judged(tutela.Pass, "%d files, %d entries of a ledger of %d: it verifies, and not when it is altered", report.Files, report.Leaves, report.Size)
}

// sample makes a package of the last hour, or of the end of it.
func (b *Binder) sample(ctx context.Context, entry tutela.Entry) ([]byte, error) {
	p, err := b.plan(ctx, entry, Asked{From: b.cfg.Clock().Add(-tried), Sampled: true}, b.newest)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_, err = b.Write(ctx, &out, entry, p)
	return out.Bytes(), err
}

// newest finds the period's leaves among the last of the tree, and has the period begin where those are all of it: after
// the first quarter of them, since entries are in the tree nearly in the order of their times, and not quite.
func (b *Binder) newest(ctx context.Context, m *dossier.Manifest, size int64) error {
	from := max(0, size-triedLeaves)
	var times []time.Time
	if size > 0 {
		err := b.cfg.Audit.Leaves(ctx, []audit.Span{{From: from, End: size}}, func(l audit.Leaf) error {
			times = append(times, l.Entry.Time)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if from > 0 {
		for _, t := range times[:triedLeaves/4] {
			if !t.Before(m.From) {
				m.From = t.Add(time.Millisecond)
			}
		}
	}
	m.First, m.End = -1, -1
	for i, t := range times {
		if !t.Before(m.From) && t.Before(m.To) {
			if m.First < 0 {
				m.First = from + int64(i)
			}
			m.End = from + int64(i) + 1
		}
	}
	if m.First < 0 {
		return noEntries()
	}
	return nil
}
