package backup

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/recovery/sealed"
	"github.com/tutela-health/tutela/store"
)

// Restorer brings backups back into an empty, migrated database that nobody else has.
type Restorer struct {
	From    dest.Destination
	Openers []sealed.Opener
	// Done is told how many rows were put, now and then; nil means nobody.
	Done func(rows int64)

	rows   int64
	tables []*store.Table // of the database that is filled
}

// Files gives the configuration that travelled with a full backup.
func (r *Restorer) Files(ctx context.Context, full Manifest) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := r.open(ctx, full, func(in *reader) error {
		for {
			op, err := in.next()
			if err != nil || op.kind != opFile {
				return errors.Join(untilEnd(err), errEnough)
			}
			files[op.name] = op.body
		}
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return files, err
}

// errEnough ends the reading of a backup of which the rest is not wanted now.
var errEnough = errors.New("enough was read")

// Keyrings fills the tables of keys from keyrings in their order, as NewestKeyring gives them.
func (r *Restorer) Keyrings(ctx context.Context, db *store.DB, list []Manifest) error {
	for _, m := range list {
		if err := r.fill(ctx, db, m); err != nil {
			return err
		}
	}
	return nil
}

// Verify holds the signatures of backups against the system whose keyring this is: whoever knows a
// recipient's public key can seal something to it.
func Verify(ctx context.Context, ring *keys.Ring, list ...Manifest) error {
	s, err := openSigner(ctx, ring, false)
	if err != nil {
		return err
	}
	for _, m := range list {
		if err := s.verify(m); err != nil {
			return err
		}
	}
	return nil
}

// Series fills the other tables from a full backup and its increments.
func (r *Restorer) Series(ctx context.Context, db *store.DB, list []Manifest) error {
	for _, m := range list {
		if err := r.fill(ctx, db, m); err != nil {
			return err
		}
	}
	return nil
}

// fill carries out what one backup says.
func (r *Restorer) fill(ctx context.Context, db *store.DB, m Manifest) error {
	if r.tables == nil {
		var err error
		if r.tables, err = db.Tables(ctx); err != nil {
			return err
		}
	}
	return r.open(ctx, m, func(in *reader) error {
		l := loader{ctx: ctx, db: db, in: in, tables: r.tables, keyring: m.IsKeyring(), done: r.count}
		return l.run()
	})
}

func (r *Restorer) count(n int) {
	r.rows += int64(n)
	if r.Done != nil {
		r.Done(r.rows)
	}
}

// open reads one backup to its end. Whatever is wrong with its bytes is named with the object's name.
func (r *Restorer) open(ctx context.Context, m Manifest, f func(*reader) error) error {
	content, err := r.From.Open(ctx, m.Name())
	if errs.Is(err, errs.NotFound) {
		return errs.Wrap(errs.Invalid, err, fmt.Sprintf("%s is missing at %s, and its manifest is there", m.Name(), r.From))
	} else if err != nil {
		return fmt.Errorf("read %s at %s: %w", m.Name(), r.From, err)
	}
	err = errors.Join(unpack(content, m, r.Openers, f), content.Close())
	var d *sealed.Damage
	switch {
	case err == nil:
		return nil
	case errors.As(err, &d):
		return refuse(m.Name(), d)
	case errors.Is(err, errStream), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, zstd.ErrMagicMismatch):
		return refuse(m.Name(), err)
	}
	return fmt.Errorf("%s: %w", m.Name(), err)
}

func unpack(content io.Reader, m Manifest, by []sealed.Opener, f func(*reader) error) error {
	plain, err := sealed.NewReader(content, m.place(), by...)
	if err != nil {
		return err
	}
	z, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(longestValue))
	if err != nil {
		return err
	}
	defer z.Close()
	if err := f(newReader(z)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, plain) // to the last chunk: only there is it known to be all
	return err
}

// untilEnd makes the end of a stream no error.
func untilEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
