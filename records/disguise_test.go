package records_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/records"
)

// failing is a Disguise that finds everything and can show nothing, or shows what is no FHIR.
type failing struct {
	records.Disguise

	locate func(tutela.Ref) tutela.Locator
	text   string
}

func (f failing) Show(string, *r4.Resource, tutela.Bucket, func(tutela.Ref) string) ([]byte, error) {
	if f.text == "" {
		return nil, errors.New("no")
	}
	return []byte(f.text), nil
}
func (f failing) Name(_, _ string, _ tutela.Locator) string { return "pseudonym" }
func (f failing) Find(_, typ, id string) (tutela.Locator, bool) {
	return f.locate(tutela.Ref{Type: typ, ID: id}), true
}

// TestWithoutADisguiseNothingShows: a Grant that asks for de-identification gets nothing where it is not done.
func TestWithoutADisguiseNothingShows(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, `{"resourceType":"Patient","id":"jane","gender":"female"}`)
		who := tutela.Principal{ID: "x", Kind: tutela.ActorPerson, Roles: []string{"researcher"}, Scopes: []string{"user/*.rs"}}
		grant := func(action tutela.Action) access.Grant {
			g, err := r.Access.Authorize(t.Context(), who, access.Request{Action: action, Type: "Patient", Purpose: tutela.PurposeResearch})
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		ref := tutela.Ref{Type: "Patient", ID: "jane"}
		for name, d := range map[string]records.Disguise{
			"none": nil, "one that fails": failing{locate: r.Records.Locate}, "one that gives noise": failing{locate: r.Records.Locate, text: `{"resourceType":"Jane"}`},
			"one that gives no object": failing{locate: r.Records.Locate, text: `{"resourceType":"Patient","name":"Jane"}`},
		} {
			s, err := records.Open(t.Context(), records.Config{DB: r.DB, Ring: r.Ring, Audit: r.Audit, Clock: clock.System, Disguise: d})
			if err != nil {
				t.Fatal(err)
			}
			reads := map[string]func(context.Context) (*records.Record, error){
				"read": func(ctx context.Context) (*records.Record, error) { return s.Read(ctx, grant(tutela.ActionRead), ref) },
				"vread": func(ctx context.Context) (*records.Record, error) {
					return s.VRead(ctx, grant(tutela.ActionVRead), ref, 1)
				},
			}
			for path, read := range reads {
				if rec, err := read(t.Context()); !errs.Is(err, errs.NotFound) || rec != nil {
					t.Errorf("%s, %s: %v, %v", name, path, rec, err)
				}
			}
			if list, err := s.History(t.Context(), grant(tutela.ActionHistory), ref); !errs.Is(err, errs.NotFound) || list != nil {
				t.Errorf("%s, history: %v, %v", name, list, err)
			}
			page, err := s.Search(t.Context(), grant(tutela.ActionSearch), &r4.Query{Type: "Patient", Total: r4.TotalAccurate, Count: -1}, 10, nil)
			if err != nil || len(page.Matches) != 0 || page.Total != 0 {
				t.Errorf("%s, search: %+v, %v", name, page, err)
			}
		}
	})
}
