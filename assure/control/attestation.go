package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/errs"
)

// Attestation is somebody's word that a requirement is met, or what a provider's report says of it.
type Attestation struct {
	Requirement string    `json:"requirement"`
	Known       Knowledge `json:"known"` // Attested or Inherited
	Statement   string    `json:"statement"`
	Provider    string    `json:"provider,omitempty"` // of an inherited one: whose report it is
	Expires     time.Time `json:"expires"`
	File        *File     `json:"file,omitempty"` // which an inherited one has
	// Revision is of what was read; 0 where there was none. By and At are set when it is kept.
	Revision int64         `json:"revision"`
	By       tutela.UserID `json:"by,omitempty"`
	At       time.Time     `json:"at,omitzero"`
}

// File is what an attestation rests on.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // of Data, in hexadecimal digits
	Data   []byte `json:"data,omitempty"`
}

// Bounds of an attestation.
const (
	maxStatement = 4000      // bytes
	maxName      = 200       // bytes
	MaxFile      = 512 << 10 // bytes
	longest      = 366 * 24 * time.Hour
)

// The register's words for attestations. Files lie apart: whoever looks at all controls opens none.
const (
	kind      register.Kind  = "attestation"
	fileKind  register.Kind  = "attestation-file"
	valid     register.State = "valid"
	withdrawn register.State = "withdrawn"
)

// check refuses what is no attestation at a moment.
func (a Attestation) check(now time.Time) error {
	switch {
	case a.Known != Attested && a.Known != Inherited:
		return errs.New(errs.Invalid, "known is attested or inherited")
	case a.Statement == "" || len(a.Statement) > maxStatement || !utf8.ValidString(a.Statement):
		return errs.New(errs.Invalid, "say in 1 to %d bytes of text what is so", maxStatement)
	case len(a.Provider) > maxName || !utf8.ValidString(a.Provider):
		return errs.New(errs.Invalid, "a provider's name has %d bytes at most", maxName)
	case a.Known == Inherited && (a.Provider == "" || a.File == nil):
		return errs.New(errs.Invalid, "what is inherited names the provider and brings its report")
	case !a.Expires.After(now) || a.Expires.Sub(now) > longest:
		return errs.New(errs.Invalid, "an attestation ends within %d days from now", longest/(24*time.Hour))
	}
	if f := a.File; f != nil && (f.Name == "" || len(f.Name) > maxName || !utf8.ValidString(f.Name) || len(f.Data) == 0 || len(f.Data) > MaxFile) {
		return errs.New(errs.Invalid, "a file has a name of %d bytes at most, and 1 to %d bytes", maxName, MaxFile)
	}
	return nil
}

// Attest keeps somebody's word about a requirement, in place of what was said before; entry says whose it is.
func (b *Board) Attest(ctx context.Context, entry tutela.Entry, id string, a Attestation) (Attestation, error) {
	reg, r, err := b.requirement(id)
	if err != nil {
		return Attestation{}, err
	}
	if err := a.check(b.cfg.Clock()); err != nil {
		return Attestation{}, err
	}
	if reg.Status == catalog.OurOwn && r.Unbuilt {
		return Attestation{}, errs.New(errs.Unprocessable, "%s is this product's to do, and is not built: nobody's word makes it so", r.ID)
	}
	if a.File != nil {
		sum := sha256.Sum256(a.File.Data)
		a.File.SHA256 = hex.EncodeToString(sum[:])
	}
	a.Requirement = r.ID
	return b.put(ctx, entry, r.Slug(), a, valid, string(a.Known))
}

// Withdraw takes somebody's word back.
func (b *Board) Withdraw(ctx context.Context, entry tutela.Entry, id string) error {
	_, r, err := b.requirement(id)
	if err != nil {
		return err
	}
	a, err := b.said(ctx, r)
	if err != nil {
		return err
	}
	_, err = b.put(ctx, entry, r.Slug(), a, withdrawn, "withdrawn")
	return err
}

// put keeps the next revision of an attestation, and of its file where one came with it.
func (b *Board) put(ctx context.Context, entry tutela.Entry, slug string, a Attestation, state register.State, what string) (Attestation, error) {
	var changes []register.Change
	if a.File != nil && len(a.File.Data) > 0 {
		revision, err := b.revision(ctx, fileKind, slug)
		if err != nil {
			return Attestation{}, err
		}
		file, err := json.Marshal(*a.File)
		if err != nil {
			return Attestation{}, fmt.Errorf("encode file: %w", err)
		}
		changes = append(changes, register.Change{What: "file", Item: register.Item{Kind: fileKind, ID: slug, Revision: revision, State: valid, Owner: entry.Actor.ID, Body: file}})
		a.File = &File{Name: a.File.Name, SHA256: a.File.SHA256}
	}
	revision := a.Revision
	a.Revision, a.By, a.At = 0, "", time.Time{} // the item says them
	body, err := json.Marshal(a)
	if err != nil {
		return Attestation{}, fmt.Errorf("encode attestation: %w", err)
	}
	changes = append(changes, register.Change{What: what, Item: register.Item{
		Kind: kind, ID: slug, Revision: revision, State: state, Owner: entry.Actor.ID, Due: a.Expires, Body: body,
	}})
	list, err := b.cfg.Register.Put(ctx, entry, changes...)
	if err != nil {
		return Attestation{}, err
	}
	return attestation(list[len(list)-1])
}

// Said gives what stands attested of a requirement, with its file.
func (b *Board) Said(ctx context.Context, id string) (Attestation, error) {
	_, r, err := b.requirement(id)
	if err != nil {
		return Attestation{}, err
	}
	a, err := b.said(ctx, r)
	if err != nil || a.File == nil {
		return a, err
	}
	it, err := b.cfg.Register.Get(ctx, fileKind, r.Slug())
	if err != nil {
		return Attestation{}, err
	}
	file, err := register.Decode[File](it)
	if err == nil && file.SHA256 != a.File.SHA256 {
		err = errs.New(errs.Internal, "the file of %s is not the one that was attested with", r.ID)
	}
	a.File = &file
	return a, err
}

// said gives what stands attested of a requirement; of its file name and digest alone.
func (b *Board) said(ctx context.Context, r catalog.Requirement) (Attestation, error) {
	it, err := b.cfg.Register.Get(ctx, kind, r.Slug())
	if errs.Is(err, errs.NotFound) {
		return Attestation{}, errs.New(errs.NotFound, "nobody attested %s", r.ID)
	}
	if err != nil {
		return Attestation{}, err
	}
	if it.State != valid {
		return Attestation{}, errs.New(errs.NotFound, "what was attested of %s was withdrawn", r.ID)
	}
	return attestation(it)
}

// revision is of the newest item of a kind, also if it was withdrawn; 0 where there is none.
func (b *Board) revision(ctx context.Context, kind register.Kind, slug string) (int64, error) {
	it, err := b.cfg.Register.Get(ctx, kind, slug)
	if errs.Is(err, errs.NotFound) {
		return 0, nil
	}
	return it.Revision, err
}

// attested gives all that stands attested, by requirement.
func (b *Board) attested(ctx context.Context) (map[string]Attestation, error) {
	list, err := b.cfg.Register.List(ctx, register.Filter{Kind: kind, State: valid})
	if err != nil {
		return nil, err
	}
	all := make(map[string]Attestation, len(list))
	for _, it := range list {
		a, err := attestation(it)
		if err != nil {
			return nil, err
		}
		all[a.Requirement] = a
	}
	return all, nil
}

func attestation(it register.Item) (Attestation, error) {
	a, err := register.Decode[Attestation](it)
	a.Revision, a.By, a.At = it.Revision, it.By.ID, it.At
	if err == nil && a.Requirement == "" {
		err = errors.New("an attestation of nothing")
	}
	return a, err
}
