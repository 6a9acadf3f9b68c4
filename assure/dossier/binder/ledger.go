package binder

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"os"
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
	defer tables.close()
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
			err := b.cfg.Audit.Search(ctx, audit.Query{Action: action, From: m.From, To: m.To}, func(o audit.Opened) error {
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

// tables are made beside the leaves, each in a file of its own until it goes in: a zip file takes one after another.
type tables struct {
	list []*table
	dir  string
}

type table struct {
	*dossier.Table
	name string
	file *os.File
}

func newTables(complete bool) (*tables, error) {
	dir, err := os.MkdirTemp("", "tutela-package-")
	if err != nil {
		return nil, err
	}
	t := &tables{dir: dir}
	for _, p := range dossier.Named(complete) {
		f, err := os.CreateTemp(dir, "")
		if err != nil {
			t.close()
			return nil, err
		}
		t.list = append(t.list, &table{dossier.NewTable(f, p), dossier.Populations + string(p) + ".csv", f})
	}
	return t, nil
}

func (t *tables) add(l audit.Leaf) {
	for _, one := range t.list {
		one.Add(l.Index, l.Entry)
	}
}

// into writes the tables into a package.
func (t *tables) into(z *writer) error {
	for _, one := range t.list {
		if err := one.Flush(); err != nil {
			return err
		}
		if _, err := one.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := z.file(one.name, func(w io.Writer) error { _, err := io.Copy(w, one.file); return err }); err != nil {
			return err
		}
	}
	return nil
}

// close takes the files away.
func (t *tables) close() {
	for _, one := range t.list {
		_ = one.file.Close() // it was read
	}
	_ = os.RemoveAll(t.dir) // what is left there is temporary
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
		z.files = append(z.files, dossier.File{Name: name, Bytes: c.n, SHA256: hex.EncodeToString(c.sum.Sum(nil))})
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
