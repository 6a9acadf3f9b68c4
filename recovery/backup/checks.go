package backup

import (
	"context"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/recovery/dest"
)

// CheckRestores is the check that `tutela backup verify` leaves evidence for.
const CheckRestores = "recover.backup-restores"

// TrialCounts is how long a restore that was tried says something of the backups of today.
const TrialCounts = 7 * 24 * time.Hour

// The rule for copies: the proposed 45 CFR 164.308(a)(13)(ii)(B) wants them no older than 48 hours, and
// one copy is none.
const (
	OldestCopy   = 48 * time.Hour
	FewestCopies = 2
)

// CheckConfig says what the checks look at.
type CheckConfig struct {
	To     []dest.Destination
	TryOut bool // a system that nobody relies on may have no backups
}

// Checks are what this package can show by trying: that the newest backup restores, and that enough
// copies, new enough and unaltered, lie where they should.
func (s *Service) Checks(c CheckConfig) []tutela.Check {
	k := checker{s, c}
	return []tutela.Check{{
		ID: CheckRestores, Title: "The newest backup was restored and held against the ledger",
		Controls: []string{"S01", "45 CFR 164.308(a)(7)(ii)(D)", "45 CFR 164.308(a)(7)(ii)(B)"}, Fresh: 24 * time.Hour, Try: k.restores,
	}, {
		ID: "recover.copies", Title: "Two copies or more, no older than 48 hours, lie unaltered at their destinations",
		Controls: []string{"S01", "45 CFR 164.308(a)(7)(ii)(A)", "45 CFR 164.310(d)(2)(iv)"}, Fresh: 24 * time.Hour, Try: k.copies,
	}}
}

// checker tries.
type checker struct {
	*Service
	c CheckConfig
}

// none is the evidence where nothing is to be backed up, or should be.
func (k checker) none() tutela.Evidence {
	if k.c.TryOut {
		return tutela.Evidence{On: "configuration", Verdict: tutela.NotApplicable, Observed: "a try-out system without destinations of backups"}
	}
	return tutela.Evidence{On: "configuration", Verdict: tutela.Fail, Observed: "no destination of backups is configured: nothing of this system outlives its disk"}
}

// restores asks the ledger for the last trial. The service cannot try by itself: it has not what opens a backup.
func (k checker) restores(ctx context.Context) tutela.Evidence {
	last, err := k.lastTrial(ctx)
	switch {
	case err != nil:
		return tutela.Evidence{On: "ledger", Observed: fmt.Sprintf("the ledger could not be asked: %v", err)}
	case last == nil && len(k.c.To) == 0:
		return k.none()
	case last == nil:
		return tutela.Evidence{On: "ledger", Verdict: tutela.Fail, Observed: "no backup was ever tried: run tutela backup verify where its keys are"}
	}
	e := tutela.Evidence{On: last.On, Verdict: last.Verdict, Observed: fmt.Sprintf("at %s: %s", last.At.Format(time.RFC3339), last.Observed)}
	if age := k.cfg.Clock().Sub(last.At); last.Verdict == tutela.Pass && age > TrialCounts {
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("the last trial was %.0f days ago, and counts for %.0f; %s", age.Hours()/24, TrialCounts.Hours()/24, e.Observed)
	}
	return e
}

// lastTrial finds the newest evidence of a trial.
func (k checker) lastTrial(ctx context.Context) (*tutela.Evidence, error) {
	var last *tutela.Evidence
	err := k.cfg.Audit.Search(ctx, audit.Query{Action: tutela.ActionBackupVerify}, func(o audit.Opened) error {
		if e := o.Entry.Evidence; e != nil && e.Check == CheckRestores && (last == nil || e.At.After(last.At)) {
			last = e
		}
		return nil
	})
	return last, err
}

// copies reads the newest backup of each destination back, and counts those that are as they should be.
func (k checker) copies(ctx context.Context) tutela.Evidence {
	if len(k.c.To) == 0 {
		return k.none()
	}
	last, found, err := newest(ctx, k.cfg.DB) // before it is looked for: another may be made meanwhile
	if err != nil {
		return tutela.Evidence{On: "database", Observed: err.Error()}
	}
	if !found {
		return tutela.Evidence{On: "database", Verdict: tutela.Fail, Observed: "nothing was ever backed up"}
	}
	s, err := openSigner(ctx, k.cfg.Ring, false)
	if err != nil {
		return tutela.Evidence{On: "keyring", Observed: err.Error()}
	}
	good, text := 0, ""
	for _, d := range k.c.To {
		made, err := k.copyAt(ctx, s, d, last.Manifest)
		if ctx.Err() != nil {
			return tutela.Evidence{On: d.String(), Observed: "not read to its end"}
		}
		if err == nil {
			good++
			text += fmt.Sprintf("; %s has one of %s", d, made.Format(time.RFC3339))
		} else {
			text += fmt.Sprintf("; %s: %v", d, err)
		}
	}
	e := tutela.Evidence{On: fmt.Sprintf("%d destinations", len(k.c.To)), Verdict: tutela.Fail, Observed: fmt.Sprintf("%d copies are there, read back and no older than %.0f hours%s", good, OldestCopy.Hours(), text)}
	if good >= FewestCopies && good == len(k.c.To) {
		e.Verdict = tutela.Pass
	}
	return e
}

// copyAt reads every part of the newest series at a destination back, and its keyrings, and says when it was
// made. It must reach as far as the last backup that was made.
func (k checker) copyAt(ctx context.Context, s signer, d dest.Destination, last Manifest) (time.Time, error) {
	found, err := Survey(ctx, d)
	if err != nil {
		return time.Time{}, err
	}
	list, err := found.Choose("")
	if err != nil {
		return time.Time{}, err
	}
	keyring, err := NewestKeyring(found.Keyrings, found.Series)
	if err != nil {
		return time.Time{}, err
	}
	if newest := list[len(list)-1]; newest.order() < last.order() {
		made := newest.Made
		return made, fmt.Errorf("it lacks what was made after %s", made.Format(time.RFC3339))
	}
	for _, m := range append(list, keyring...) {
		if err := s.verify(m); err != nil {
			return time.Time{}, err
		}
		digest, err := m.contentDigest()
		if err == nil {
			err = dest.Check(ctx, d, m.Name(), digest)
		}
		if err != nil {
			return time.Time{}, err
		}
	}
	made := found.Series[0].Newest().Made
	if age := k.cfg.Clock().Sub(made); age > OldestCopy {
		return made, fmt.Errorf("the newest is of %s, %.0f hours ago", made.Format(time.RFC3339), age.Hours())
	}
	return made, nil
}
