package training

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/errs"
)

// Lab is a broken sample that its takers mend until a scan finds nothing in it any more.
type Lab struct {
	Files map[string]string `yaml:"files" json:"files"` // texts by their paths
	Keeps []Keep            `yaml:"keeps" json:"keeps"` // what still has to be there: an empty file has no faults either
}

// Keep is a piece of a file that mending leaves.
type Keep struct {
	File string `yaml:"file" json:"file"`
	Has  string `yaml:"has" json:"has"`
}

// Fault is what a scan finds in a lab.
type Fault struct {
	Rule  string `json:"rule"`
	Where string `json:"where"`
	Says  string `json:"says"`
}

// Handed is what came of a lab that was handed in. It is mended where neither list has anything.
type Handed struct {
	Mended bool    `json:"mended"`
	Faults []Fault `json:"faults"`
	Lost   []Keep  `json:"lost"` // what is no longer there
	Result *Result `json:"result,omitempty"`
}

// Bounds of a lab.
const (
	maxLabFiles = 10
	maxLab      = 64 << 10 // bytes of all its files
	maxFaults   = 50
)

// check refuses what can be no lab.
func (l *Lab) check() error {
	bad := func(format string, args ...any) error { return errs.New(errs.Invalid, "the lab: "+format, args...) }
	if len(l.Files) == 0 || len(l.Files) > maxLabFiles || len(l.Keeps) == 0 {
		return bad("it has 1 to %d files, and says in keeps what mending leaves", maxLabFiles)
	}
	if err := bounded(l.Files); err != nil {
		return err
	}
	for name := range l.Files {
		hidden := slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.HasPrefix(part, ".") })
		if !fs.ValidPath(name) || hidden || strings.ContainsAny(name, "\\:\x00\n") || path.Ext(name) == "" || len(name) > 200 {
			return bad("%q is no name of a file with an extension, below the folder", name)
		}
	}
	for _, k := range l.Keeps {
		if k.Has == "" || !strings.Contains(l.Files[k.File], k.Has) {
			return bad("%s does not have %q, which is to be kept", k.File, k.Has)
		}
	}
	return nil
}

// bounded refuses files that are too long or no text.
func bounded(files map[string]string) error {
	size := 0
	for name, text := range files {
		if size += len(text); !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return errs.New(errs.Invalid, "%s is no UTF-8", name)
		}
	}
	if size > maxLab {
		return errs.New(errs.Invalid, "the files of a lab have %d bytes at most", maxLab)
	}
	return nil
}

// faults scans files.
func (s *Service) faults(ctx context.Context, files map[string]string) ([]Fault, error) {
	ctx, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	select { // one at a time: a scan is work
	case s.scanning <- struct{}{}:
		defer func() { <-s.scanning }()
	case <-ctx.Done():
		return nil, errs.New(errs.Unavailable, "other labs are being looked at; hand it in again")
	}
	found, err := s.cfg.Scan(ctx, files)
	if err != nil {
		return nil, fmt.Errorf("scan a lab: %w", err)
	}
	list := []Fault{}
	for _, f := range found {
		list = append(list, Fault{Rule: f.Rule.ID, Where: fmt.Sprintf("%s:%d", f.Place.Path, f.Place.Line), Says: f.Message})
	}
	slices.SortFunc(list, func(a, b Fault) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Rule, b.Rule)) })
	return list[:min(len(list), maxFaults)], nil
}

// scanTime bounds how long a lab is scanned, waiting included.
const scanTime = 20 * time.Second

// broken refuses a lab in which a scan finds nothing to mend.
func (s *Service) broken(ctx context.Context, l *Lab) error {
	if l == nil {
		return nil
	}
	found, err := s.faults(ctx, l.Files)
	if err == nil && len(found) == 0 {
		err = errs.New(errs.Invalid, "the lab: a scan finds nothing in its files that could be mended")
	}
	return err
}

// HandIn looks at somebody's own mended files of the lab that he was given. One that is mended counts as his questions do.
func (s *Service) HandIn(ctx context.Context, by tutela.Principal, entry tutela.Entry, id, read string, files map[string]string) (Handed, error) {
	it, m, err := s.module(ctx, id)
	switch {
	case err != nil:
		return Handed{}, err
	case it.State != Live || m.Lab == nil:
		return Handed{}, errs.New(errs.Conflict, "module %s has no lab", id)
	case m.Digest != read:
		return Handed{}, errs.New(errs.Conflict, "the module has changed: take the lab anew")
	case !slices.Equal(slices.Sorted(maps.Keys(files)), slices.Sorted(maps.Keys(m.Lab.Files))):
		return Handed{}, errs.New(errs.Invalid, "hand in the files that were given, all of them and no others: %s", strings.Join(slices.Sorted(maps.Keys(m.Lab.Files)), ", "))
	}
	if err := bounded(files); err != nil {
		return Handed{}, err
	}
	h := Handed{Lost: []Keep{}}
	for _, k := range m.Lab.Keeps {
		if !strings.Contains(files[k.File], k.Has) {
			h.Lost = append(h.Lost, k)
		}
	}
	if h.Faults, err = s.faults(ctx, files); err != nil || len(h.Faults)+len(h.Lost) > 0 {
		return h, err
	}
	of, r, err := s.result(ctx, id, by.ID)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return h, err
	}
	h.Mended = true
	r.Module, r.User, r.Name, r.Mended, r.Digest = id, by.ID, by.Username, s.now(), m.Digest
	c, err := concluded(of, m, r, "the lab is mended")
	if err != nil {
		return h, err
	}
	if _, err := s.cfg.Register.Put(ctx, entry, c); err != nil {
		return h, err
	}
	done, err := register.Decode[Result](c.Item)
	h.Result = &done
	return h, err
}

// Certified is the text of a certificate.
type Certified struct {
	Name   string    `json:"name"` // by which the account is known
	Module string    `json:"module"`
	Title  string    `json:"title"`
	Score  int       `json:"score"` // percent
	Lab    bool      `json:"lab"`   // a lab was mended, too
	Passed time.Time `json:"passed"`
	Until  time.Time `json:"until"`            // when it is to be taken again
	Digest string    `json:"digest,omitempty"` // of the module
}

// Certificate is the kind of statements that certificates are.
const Certificate = "training-certificate"

// Certify has the ledger vouch for what somebody passed and what still counts.
func (s *Service) Certify(ctx context.Context, by tutela.Principal, id string) (dossier.Statement, error) {
	c, err := s.Passed(ctx, by.ID, id)
	if err != nil {
		return dossier.Statement{}, err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return dossier.Statement{}, fmt.Errorf("encode certificate: %w", err)
	}
	return s.cfg.Seal(ctx, Certificate, string(text))
}

// Passed says what of a module somebody passed and still counts; errs.Conflict where that is nothing.
func (s *Service) Passed(ctx context.Context, user tutela.UserID, id string) (Certified, error) {
	_, m, err := s.module(ctx, id)
	if err != nil {
		return Certified{}, err
	}
	_, r, err := s.result(ctx, id, user)
	until := r.Last.AddDate(0, m.Every, 0)
	switch {
	case err != nil && !errs.Is(err, errs.NotFound):
		return Certified{}, err
	case r.Last.IsZero():
		return Certified{}, errs.New(errs.Conflict, "module %s is not passed yet", id)
	case !s.now().Before(until):
		return Certified{}, errs.New(errs.Conflict, "module %s was passed, and is to be taken again since %s", id, until.Format(time.DateOnly))
	}
	return Certified{Name: r.Name, Module: id, Title: m.Title, Score: r.Best, Lab: m.Lab != nil && !r.Mended.IsZero(), Passed: r.Last, Until: until, Digest: r.Digest}, nil
}
