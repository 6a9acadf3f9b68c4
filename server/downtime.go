package server

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

// downtimeLife is how many hours an extract may be opened at most.
const downtimeLife = 7 * 24

// recentDays is how far back observations are kept.
const recentDays = 30

// essential are the searches for what of a chart is kept: who the patient is, what one must not give,
// what is wrong and being given, what was measured lately, who cares.
func essential(now time.Time) []string {
	since := now.AddDate(0, 0, -recentDays).UTC().Format(time.DateOnly)
	return []string{
		"Patient", "AllergyIntolerance", "Condition?clinical-status=active", "MedicationRequest?status=active",
		"Observation?date=ge" + since, "Immunization", "CareTeam?status=active", "Encounter?status=arrived,triaged,in-progress,onleave",
	}
}

// downtimeChart is what of one patient's record is kept.
type downtimeChart struct {
	Patient   string            `json:"patient"`
	Resources []json.RawMessage `json:"resources"`
}

// downtimeExtract is what the caller keeps sealed.
type downtimeExtract struct {
	ID      string          `json:"id"`
	Ward    string          `json:"ward"`
	By      string          `json:"by"`
	Created time.Time       `json:"created"`
	Expires time.Time       `json:"expires"`
	Charts  []downtimeChart `json:"charts"`
}

// downtime gives the essential charts of the patients whom the caller treats as a person of a ward.
// Each search is decided, masked and written down like any other, and all of it once more as what it is: a
// disclosure that no later decision reaches. An open emergency gives no patient into a file that outlives it.
func (s *Server) downtime(ctx context.Context, c *call) (any, error) {
	var asked struct {
		Ward  string `json:"ward"`
		Hours int    `json:"hours"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if asked.Hours < 1 || asked.Hours > downtimeLife {
		return nil, errs.New(errs.Invalid, "hours is 1 to %d", downtimeLife)
	}
	if asked.Ward == "" || asked.Ward != c.caller.Unit {
		return nil, errs.New(errs.Denied, "only a person of the ward may keep its charts")
	}
	now := s.cfg.Clock().UTC().Truncate(time.Second)
	x := downtimeExtract{ID: audit.NewID(), Ward: asked.Ward, By: c.caller.Username, Created: now, Expires: now.Add(time.Duration(asked.Hours) * time.Hour)}
	reader := c.caller
	reader.Session = "" // emergencies are a session's
	k := keeping{at: map[tutela.PatientID]int{}, bucket: s.cfg.API.Bucket}
	for _, query := range essential(now) {
		found, err := s.cfg.API.Search(ctx, reader, query)
		if err != nil {
			return nil, err
		}
		for _, res := range found {
			k.keep(res)
		}
	}
	x.Charts = k.charts
	c.entry.ID, c.entry.Patients, c.entry.Bytes = x.ID, k.touched, k.bytes
	c.entry.Purpose = tutela.PurposeTreatment
	c.entry.Disclosure = &tutela.Disclosure{Recipient: "downtime extract of " + x.Ward, Purpose: tutela.PurposeTreatment, Kind: "downtime"}
	c.entry.Subject = &tutela.Subject{Kind: "downtime", ID: x.ID, Detail: "until " + x.Expires.Format(time.RFC3339)}
	return x, nil
}

// keeping sorts resources by patient. The Patient comes first; what concerns nobody who was found, or
// several, is left out.
type keeping struct {
	bucket  func(tutela.PatientID) tutela.Bucket
	at      map[tutela.PatientID]int
	charts  []downtimeChart
	touched []tutela.Touched
	bytes   int64
}

func (k *keeping) keep(res *r4.Resource) {
	patients := res.Patients(res.ID())
	if len(patients) != 1 {
		return
	}
	i, known := k.at[patients[0]]
	if !known {
		if res.Type() != "Patient" {
			return
		}
		i = len(k.charts)
		k.at[patients[0]] = i
		k.charts = append(k.charts, downtimeChart{Patient: "Patient/" + string(patients[0])})
		k.touched = append(k.touched, tutela.Touched{Patient: k.bucket(patients[0]), Counts: map[string]int{}})
	}
	text := res.JSON()
	k.charts[i].Resources = append(k.charts[i].Resources, text)
	k.touched[i].Counts[res.Type()]++
	k.bytes += int64(len(text))
}

// maxOpenings bounds how many openings one report tells of.
const maxOpenings = 1000

// reported says how many openings the ledger took.
type reported struct {
	Reported int `json:"reported"`
}

// downtimeReport takes the log of a file into the ledger. The caller has checked its chain; what the
// ledger says is that he reported it.
func (*Server) downtimeReport(_ context.Context, c *call) (any, error) {
	var said struct {
		Openings []struct {
			At  time.Time `json:"at"`
			Who string    `json:"who"`
			On  string    `json:"on"`
		} `json:"openings"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	if len(said.Openings) > maxOpenings {
		return nil, errs.New(errs.TooLarge, "a report tells of %d openings at most", maxOpenings)
	}
	body, err := json.Marshal(said)
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	c.section, c.patient = body, tutela.BucketGeneral
	c.entry.Subject = &tutela.Subject{Kind: "downtime", ID: c.request.PathValue("id"), Detail: fmt.Sprintf("%d openings", len(said.Openings))}
	return reported{len(said.Openings)}, nil
}
