package erasure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
)

// Checks are what this plane can show of itself by trying.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{
		{
			ID: "protect.erased-stays-shut", Title: "Nothing that was written of an erased patient opens",
			Controls: []string{"P15", "GDPR 17"}, Fresh: 24 * time.Hour, Try: s.shut,
		},
		{
			ID: "protect.keys-rotated", Title: "The generation key is rotated in time, and nothing is left under old ones",
			Controls: []string{"P03", "45 CFR 164.312(a)(2)(iv)"}, Fresh: 24 * time.Hour, Try: s.rotated,
		},
	}
}

// mostTried bounds the erasures that one check looks at: the newest.
const mostTried = 100

// shut tries to open whatever lies there of erased patients, and asks the provider for the keys that certificates say
// are gone.
func (s *Service) shut(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "erased patients' rows, and the key provider"}
	tried, rows, err := 0, 0, error(nil)
	var there []int
	list, err := s.List(ctx)
	if err == nil {
		there, err = s.cfg.Held(ctx)
	}
	for i := len(list) - 1; i >= 0 && err == nil && tried < mostTried; i-- {
		if list[i].State != Done {
			continue
		}
		tried++
		var opened, of int
		if opened, of, err = s.cfg.Records.Opens(ctx, list[i].Patient); opened > 0 {
			e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("%d of %d rows of the patient of erasure %s open", opened, of, list[i].ID)
			return e
		}
		rows += of
		for _, d := range list[i].Certificate.Destroyed {
			if !d.Final.IsZero() && slices.Contains(there, d.Generation) {
				e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("the certificate of erasure %s says that generation %d is gone, and the provider has it", list[i].ID, d.Generation)
				return e
			}
		}
	}
	switch {
	case err != nil:
		e.Verdict, e.Observed = tutela.CouldNotCheck, err.Error()
	case tried == 0:
		e.Verdict, e.Observed = tutela.NotApplicable, "nobody was erased"
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("of %d erased patients none of %d rows opens, and the generations that wrapped their keys are gone", tried, rows)
	}
	return e
}

// late is how long after its time a rotation may begin, and how long it may take.
const late = 7 * 24 * time.Hour

// rotated looks how old the newest generation is, and whether older ones still wrap anything.
func (s *Service) rotated(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the generations of the keyring"}
	list, err := s.cfg.DB.Generations(ctx)
	if err != nil || len(list) == 0 {
		e.Verdict, e.Observed = tutela.CouldNotCheck, fmt.Sprintf("%d generations, %v", len(list), err)
		return e
	}
	newest := list[len(list)-1]
	age := s.now().Sub(newest.Opened)
	e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("generation %d is %d days old, and wraps everything", newest.Number, int(age.Hours()/24))
	switch {
	case s.cfg.Rotate > 0 && age > s.cfg.Rotate+late:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("generation %d is %d days old, and is to be replaced after %d", newest.Number, int(age.Hours()/24), int(s.cfg.Rotate.Hours()/24))
	case s.cfg.Rotate == 0:
		e.Verdict, e.Observed = tutela.NotApplicable, "keys are not rotated by schedule here (keys.rotate_days is 0)"
	}
	for _, g := range list[:len(list)-1] {
		if g.Closed.IsZero() && age > late {
			e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("generation %d still wraps keys, %d days after the next was opened", g.Number, int(age.Hours()/24))
		}
	}
	return e
}
