package records

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// Everything asks for all that concerns one patient (FHIR R4, patient-operation-everything.html).
type Everything struct {
	Patient tutela.PatientID
	Types   []string  // no others; none: every type
	Since   time.Time // what was changed at that moment or later; zero: whenever
}

// sharedByPatientMigration lets what concerns several patients be found by one of them.
func sharedByPatientMigration() store.Migration {
	return store.Migration{ID: "0206_shared_by_patient", SQL: "CREATE INDEX shared_keys_bucket ON shared_keys (bucket, locator);"}
}

// Everything finds a page of what concerns a patient and what a Grant of its type admits: the Patient
// first, then the others by type, then what concerns other patients too. referred are the resources about
// nobody to which the page's lead, directly or by one another; complete is false when there were more than
// MaxIncluded. A deleted Patient, or one who is not admitted, is as by Read.
func (s *Store) Everything(ctx context.Context, e Everything, grants Grants, count int, after *Cursor) (page *Page, referred []*Record, complete bool, err error) {
	c := &chart{s: s, asked: e, grants: grants, count: count, page: &Page{Total: -1}}
	in := &inclusion{s: s, grants: c.grant, have: map[tutela.Locator]bool{}}
	err = s.snapshot(ctx, func(view store.Querier) error {
		if err := c.there(ctx, view); err != nil {
			return err
		}
		if err := c.fill(ctx, view, after); err != nil {
			return err
		}
		in.view = view
		return in.follow(ctx, c.page.Matches)
	})
	return c.page, in.list, len(in.list) < MaxIncluded, err
}

// chart gathers one page.
type chart struct {
	s      *Store
	asked  Everything
	grants Grants
	count  int
	page   *Page
}

// grant is the Grant to a type that was asked for.
func (c *chart) grant(typ string) (access.Grant, bool) {
	if len(c.asked.Types) > 0 && !slices.Contains(c.asked.Types, typ) {
		return access.Grant{}, false
	}
	return c.grants(typ)
}

// there holds that there is the patient, and that the caller may see him, whatever types he asks for.
func (c *chart) there(ctx context.Context, view store.Querier) error {
	ref := tutela.Ref{Type: "Patient", ID: string(c.asked.Patient)}
	g, ok := c.grants(ref.Type)
	r, found, err := current(ctx, view, c.s.Locate(ref))
	switch {
	case err != nil:
		return err
	case !ok || !found:
		return notFound(ref)
	}
	_, err = c.s.admit(ctx, view, g, ref, r)
	return err
}

// parts are the types in the order of the pages; what is shared comes after all of them.
func parts() []string {
	list := []string{"Patient"}
	for _, typ := range r4.ResourceTypes() {
		if typ != "Patient" {
			list = append(list, typ)
		}
	}
	return list
}

// fill goes through the parts from where the page before ended. Cursor.Plan is the part.
func (c *chart) fill(ctx context.Context, view store.Querier, after *Cursor) error {
	types := parts()
	at := Cursor{At: beginning()}
	if after != nil && after.Plan >= 0 && after.Plan <= len(types) {
		at = *after
	}
	for ; at.Plan <= len(types); at = (Cursor{At: beginning(), Plan: at.Plan + 1}) {
		var err error
		if at.Plan < len(types) {
			err = c.ofType(ctx, view, types[at.Plan], at)
		} else {
			err = c.shared(ctx, view, at)
		}
		if err != nil || c.page.Next != nil {
			return err
		}
	}
	return nil
}

// take adds a record to the page; false says that it belongs to the next one, which begins behind last.
func (c *chart) take(rec *Record, last Cursor) bool {
	if rec.Updated.Before(c.asked.Since) {
		return true
	}
	if len(c.page.Matches) == c.count {
		c.page.Next = &last
		return false
	}
	c.page.Matches = append(c.page.Matches, rec)
	return true
}

// ofType takes what is of one type and concerns the patient alone.
func (c *chart) ofType(ctx context.Context, view store.Querier, typ string, at Cursor) error {
	g, ok := c.grant(typ)
	if !ok {
		return nil
	}
	bucket := c.s.Bucket(c.asked.Patient)
	src := c.s.kinds(typ, areaOf([]tutela.Bucket{bucket}))
	last := at
	return c.s.matches(ctx, view, g, &r4.Query{Type: typ, Now: c.s.clock()}, src, at.At, c.count+1, func(p position, rec *Record) bool {
		taken := c.take(rec, last)
		last.At = p
		return taken
	})
}

// shared takes what concerns other patients too.
func (c *chart) shared(ctx context.Context, view store.Querier, at Cursor) error {
	bucket := int64(c.s.Bucket(c.asked.Patient))
	var locators []int64
	err := view.Query(ctx, `SELECT DISTINCT locator FROM shared_keys WHERE bucket = ? ORDER BY locator`, []any{bucket}, func(s store.Scanner) error {
		var l int64
		if err := s.Scan(&l); err != nil {
			return err
		}
		if l > at.At.Locator {
			locators = append(locators, l)
		}
		return nil
	})
	if err != nil {
		return err
	}
	last := at
	for _, l := range locators {
		rec, err := c.sharedOne(ctx, view, l)
		if err != nil {
			return err
		}
		if rec != nil && !c.take(rec, last) {
			return nil
		}
		last.At.Locator = l
	}
	return nil
}

// sharedOne opens one resource that concerned several patients, if it does so still.
func (c *chart) sharedOne(ctx context.Context, view store.Querier, locator int64) (*Record, error) {
	r, found, err := current(ctx, view, tutela.Locator(locator))
	if err != nil || !found || r.deleted() || r.bucket != int64(tutela.BucketShared) {
		return nil, err
	}
	rec, err := c.s.record(ctx, view, tutela.Ref{}, r)
	if errors.Is(err, keys.ErrDestroyed) {
		return nil, nil // erased with another patient
	}
	if err != nil {
		return nil, err
	}
	res := rec.resource()
	if res == nil || !slices.Contains(rec.Patients, c.s.Bucket(c.asked.Patient)) {
		return nil, nil
	}
	rec.Ref = tutela.Ref{Type: res.Type(), ID: res.ID()}
	g, ok := c.grant(rec.Ref.Type)
	if !ok {
		return nil, nil
	}
	if err := c.s.permit(ctx, view, g, rec); err != nil {
		return nil, unlessNotFound(err)
	}
	return rec, nil
}

// follow includes what concerns nobody and is referred to, as far as the caller sees the reference.
func (in *inclusion) follow(ctx context.Context, from []*Record) error {
	for next := from; len(next) > 0; {
		begun := len(in.list)
		for _, rec := range next {
			if err := in.followOne(ctx, rec); err != nil {
				return err
			}
		}
		next = in.list[begun:]
	}
	return nil
}

func (in *inclusion) followOne(ctx context.Context, rec *Record) error {
	shown, err := r4.Parse(rec.JSON)
	if err != nil {
		return nil //nolint:nilerr // masked to a part that has no references of its own
	}
	for ref := range shown.References() {
		if !ref.Local() || ref.Type == "Patient" {
			continue
		}
		if err := in.general(ctx, ref.Ref()); err != nil {
			return err
		}
	}
	return nil
}

// general is read for what concerns nobody: what concerns another patient is in his chart.
func (in *inclusion) general(ctx context.Context, ref tutela.Ref) error {
	g, ok := in.grants(ref.Type)
	if !ok || in.have[in.s.Locate(ref)] || len(in.list) >= MaxIncluded {
		return nil
	}
	r, found, err := current(ctx, in.view, in.s.Locate(ref))
	if err != nil || !found || r.bucket != int64(tutela.BucketGeneral) {
		return err
	}
	rec, err := in.s.admit(ctx, in.view, g, ref, r)
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Gone) {
		return nil
	}
	if err == nil {
		in.add(rec)
	}
	return err
}
