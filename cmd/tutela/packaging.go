package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/dossier/binder"
	"github.com/tutela-health/tutela/assure/oscal"
	"github.com/tutela-health/tutela/assure/register"
)

// binder makes auditors' packages of this system.
func (s *system) binder() *binder.Binder {
	return binder.New(binder.Config{Audit: s.audit, Clock: s.clock, Tenant: s.config.Tenant, Sources: s.packageSources})
}

// packageSources are the files of an auditor's package beside the ledger's: all as it is at this moment.
func (s *system) packageSources(ctx context.Context) ([]binder.Source, error) {
	o, err := s.controls.List(ctx, control.Filter{})
	if err != nil {
		return nil, err
	}
	list := []binder.Source{
		{Name: "controls.json", Write: written(o)},
		{Name: "controls.csv", Write: func(_ context.Context, w io.Writer) error { return controlsTable(w, o) }},
		{Name: "accounts.csv", Write: s.accountsTable},
	}
	catalogs := oscal.Catalogs(s.controls.Regulations(), o.At)
	for _, m := range oscal.Models() {
		d, err := oscal.Of(m, o, catalogs, string(s.config.Tenant))
		if err != nil {
			continue // of the models a plan alone can be empty: nothing is left to do
		}
		list = append(list, binder.Source{Name: "oscal/" + string(m) + ".json", Write: written(d)})
	}
	files := s.access.Policies().Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, binder.Source{Name: "policies/" + name, Write: func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, files[name])
			return err
		}})
	}
	return s.registers(ctx, list)
}

// written is a value as JSON.
func written[T any](v T) func(context.Context, io.Writer) error {
	return func(_ context.Context, w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(v)
	}
}

// registers adds a file for each kind of item that is governed by: every revision of each, a line each, whose SHA-256 the
// ledger's entry of its change names.
func (s *system) registers(ctx context.Context, list []binder.Source) ([]binder.Source, error) {
	items, err := s.register.List(ctx, register.Filter{})
	if err != nil {
		return nil, err
	}
	kinds := map[register.Kind][]string{}
	for _, it := range items {
		kinds[it.Kind] = append(kinds[it.Kind], it.ID)
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		list = append(list, binder.Source{Name: "registers/" + string(kind) + ".ndjson", Write: func(ctx context.Context, w io.Writer) error {
			out := json.NewEncoder(w)
			out.SetEscapeHTML(false)
			for _, id := range kinds[kind] {
				history, err := s.register.History(ctx, kind, id)
				if err != nil {
					return err
				}
				for _, it := range history {
					if err := out.Encode(it); err != nil {
						return err
					}
				}
			}
			return nil
		}})
	}
	return list, nil
}

func controlsTable(w io.Writer, o control.Overview) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"regulation", "id", "title", "level", "unverified", "known", "standing", "by"}) // Flush tells
	for _, c := range o.Controls {
		by := make([]string, len(c.Ways))
		for i, way := range c.Ways {
			by[i] = way.By
		}
		_ = out.Write(cells(c.Regulation, c.ID, c.Title, string(c.Level), strconv.FormatBool(c.Unverified), string(c.Known), string(c.Standing), strings.Join(by, " ")))
	}
	out.Flush()
	return out.Error()
}

// accountsTable lists who may come in, and how.
func (s *system) accountsTable(ctx context.Context, w io.Writer) error {
	users, err := s.identity.Users(ctx)
	if err != nil {
		return err
	}
	out := csv.NewWriter(w)
	_ = out.Write([]string{"id", "username", "kind", "roles", "unit", "clearances", "created", "last login", "ends", "disabled", "removed", "second factor"}) // Flush tells
	for _, u := range users {
		_ = out.Write(cells(string(u.ID), u.Username, string(u.Kind), strings.Join(u.Roles, " "), u.Unit, strings.Join(u.Clearances, " "), stamp(u.Created), stamp(u.LastLogin), stamp(u.Ends),
			strconv.FormatBool(u.Disabled), stamp(u.Removed), strconv.FormatBool(u.Enrolled)))
	}
	out.Flush()
	return out.Error()
}

// cells are texts that no spreadsheet takes for formulas.
func cells(list ...string) []string {
	for i, s := range list {
		list[i] = dossier.Cell(s)
	}
	return list
}

// stamp is a time, or nothing where there is none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
