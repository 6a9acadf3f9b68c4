package binder

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/audit"
)

// ledger writes the period's leaves and their tables, and says which leaves.
func (b *Binder) ledger(ctx context.Context, z *writer, p Plan) ([]audit.Span, error) {
	m := p.Manifest
	if !m.Complete {
		if err := z.file(dossier.FirstFile, func(w io.Writer) error { _, err := w.Write(p.before); return err }); err != nil {
			return nil, err
		}
	}
	spans, err := b.spans(ctx, m)
	if err != nil {
		return nil, err
	}
	tables, err := newTables(m.Complete)
	if err != nil {
		return nil, err
	}
	err = z.file(dossier.LeavesFile, func(w io.Writer) error {
		out := json.NewEncoder(w)
		return b.cfg.Audit.Leaves(ctx, spans, func(l audit.Leaf) error {
			if l.Index >= m.First && l.Index < m.End && m.Holds(l.Entry) {
				tables.add(l)
			}
			return out.Encode(line(l))
		})
	})
	if err != nil {
		return nil, err
	}
	return spans, tables.into(z)
}

func line(l audit.Leaf) dossier.Line {
	return dossier.Line{Leaf: l.Index, Sealed: l.Sealed, Salt: l.Header.Salt, Header: l.Header.Plaintext}
}

// spans are the leaves that are opened: all of the period, or those of the tables and of the sample; and the
// one before it.
func (b *Binder) spans(ctx context.Context, m dossier.Manifest) ([]audit.Span, error) {
	var spans []audit.Span
	if m.First > 0 {
		spans = append(spans, audit.Span{From: m.First - 1, End: m.First})
	}
	if m.Complete {
		return merged(append(spans, audit.Span{From: m.First, End: m.End})), nil
	}
	for _, leaf := range m.Sampled() {
		spans = append(spans, audit.Span{From: leaf, End: leaf + 1})
	}
	for _, p := range dossier.Named(false) {
		for _, action := range catalog.Populations()[p] {
			err := b.cfg.Audit.Search(ctx, audit.Query{Action: action, From: m.From, To: m.To, InTree: true}, func(o audit.Opened) error {
				if o.Leaf >= m.First && o.Leaf < m.End {
					spans = append(spans, audit.Span{From: o.Leaf, End: o.Leaf + 1})
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return merged(spans), nil
}

// tables are made beside the leaves. A zip file takes one file after another, so each is compressed in memory until it goes
// in: what the ledger keeps sealed does not lie on a disk meanwhile.
type tables []*table

type table struct {
	*dossier.Table
	name   string
	packed bytes.Buffer
	press  *flate.Writer
	crc    hash.Hash32
	counted
}

func newTables(complete bool) (tables, error) {
	var list tables
	for _, p := range dossier.Named(complete) {
		t := &table{name: dossier.Populations + string(p) + ".csv", crc: crc32.NewIEEE()}
		var err error
		if t.press, err = flate.NewWriter(&t.packed, flate.BestSpeed); err != nil {
			return nil, err
		}
		t.counted = counted{w: io.MultiWriter(t.press, t.crc), sum: sha256.New()}
		t.Table = dossier.NewTable(&t.counted, p)
		list = append(list, t)
	}
	return list, nil
}

func (t tables) add(l audit.Leaf) {
	for _, one := range t {
		one.Add(l.Index, l.Entry)
	}
}

// into writes the tables into a package.
func (t tables) into(z *writer) error {
	for _, one := range t {
		if err := errors.Join(one.Flush(), one.press.Close()); err != nil {
			return err
		}
		w, err := z.zip.CreateRaw(&zip.FileHeader{
			Name: one.name, Method: zip.Deflate, Modified: z.at, CRC32: one.crc.Sum32(),
			CompressedSize64: uint64(one.packed.Len()), UncompressedSize64: uint64(one.n),
		})
		if err != nil {
			return err
		}
		if _, err := one.packed.WriteTo(w); err != nil {
			return err
		}
		z.files = append(z.files, one.file(one.name))
	}
	return nil
}

// writer writes files into a package and remembers their digests.
type writer struct {
	zip   *zip.Writer
	at    time.Time
	files []dossier.File
}

func (z *writer) file(name string, write func(io.Writer) error) error {
	w, err := z.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: z.at})
	if err != nil {
		return err
	}
	c := counted{w: w, sum: sha256.New()}
	if err := write(&c); err != nil {
		return err
	}
	if name != dossier.ManifestFile && name != dossier.ProofFile {
		z.files = append(z.files, c.file(name))
	}
	return nil
}

// sorted are the files by name.
func (z *writer) sorted() []dossier.File {
	slices.SortFunc(z.files, func(a, b dossier.File) int { return strings.Compare(a.Name, b.Name) })
	return z.files
}

// counted counts and digests what goes through.
type counted struct {
	w   io.Writer
	n   int64
	sum hash.Hash
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.sum.Write(p[:n])
	return n, err
}

// file is what went through, by a name.
func (c *counted) file(name string) dossier.File {
	return dossier.File{Name: name, Bytes: c.n, SHA256: hex.EncodeToString(c.sum.Sum(nil))}
}
