package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Limits on images that nobody vouches for.
const (
	maxRatio   = 150       // layers shrink two- to fivefold; a run of zeros a thousandfold
	freeBytes  = 64 << 20  // that may come out whatever went in
	maxBytes   = 64 << 30  // that may come out of an image in all
	maxEntries = 5_000_000 // files of all layers
	maxKept    = 256 << 20 // bytes of one file that is kept
	maxKeptAll = 1 << 30
	maxJSON    = 4 << 20 // bytes of a manifest
	maxJSONs   = 2_000
	maxLayers  = 1_000
)

var (
	// ErrNone says that an archive holds no image.
	ErrNone   = errors.New("holds no image")
	errBomb   = errors.New("unpacks to more than an image takes")
	errLayer  = errors.New("a layer of it cannot be read")
	errAbsent = errors.New("a layer of it is missing")
)

// layer is what one layer does to the files that are wanted.
type layer struct {
	files map[string][]byte
	gone  []string // whiteouts: these paths, and all below
	empty []string // opaque whiteouts: all below
}

// meter counts what went in and what came out.
type meter struct {
	in, out, kept int64
	entries       int
}

// source counts what is read of the image itself.
type source struct {
	r io.Reader
	m *meter
}

func (s source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.m.in += int64(n)
	return n, err
}

// unpacked counts what comes out of a decompressor, and ends when that is too much.
type unpacked struct {
	ctx context.Context //nolint:containedctx // lives for one reading
	r   io.Reader
	m   *meter
}

func (u unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.m.out += int64(n)
	switch {
	case u.ctx.Err() != nil:
		return n, u.ctx.Err()
	case u.m.out > maxBytes, u.m.out > freeBytes && u.m.out > maxRatio*u.m.in:
		return n, errBomb
	}
	return n, err
}

// magic says what bytes begin with.
func magic(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "gzip"
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd"
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return "tar"
	case len(bytes.TrimLeft(head, " \r\n\t")) > 0 && strings.ContainsRune("{[", rune(bytes.TrimLeft(head, " \r\n\t")[0])):
		return "json"
	}
	return ""
}

// decompress gives what is in a stream that begins with head.
func decompress(ctx context.Context, r *bufio.Reader, m *meter) (io.Reader, func(), error) {
	head, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch magic(head) {
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, errLayer
		}
		return unpacked{ctx, z, m}, func() {}, nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(32<<20))
		if err != nil {
			return nil, nil, errLayer
		}
		return unpacked{ctx, z, m}, z.Close, nil
	}
	return unpacked{ctx, r, m}, func() {}, nil
}

// readLayer reads one layer's tar.
func readLayer(ctx context.Context, r *bufio.Reader, want Want, m *meter) (*layer, error) {
	plain, done, err := decompress(ctx, r, m)
	if err != nil {
		return nil, err
	}
	defer done()
	l, t := &layer{files: map[string][]byte{}}, tar.NewReader(plain)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return nil, known(err)
		}
		if m.entries++; m.entries > maxEntries {
			return nil, errBomb
		}
		if err := l.take(t, h, want, m); err != nil {
			return nil, err
		}
	}
}

// take takes one entry of a layer.
func (l *layer) take(t *tar.Reader, h *tar.Header, want Want, m *meter) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	dir, base := path.Split(name)
	switch {
	case base == ".wh..wh..opq":
		l.empty = append(l.empty, strings.TrimSuffix(dir, "/"))
		return nil
	case strings.HasPrefix(base, ".wh."):
		l.gone = append(l.gone, dir+strings.TrimPrefix(base, ".wh."))
		return nil
	case !want.Name(name):
		return l.other(t, h, name, want, m)
	case h.Typeflag != tar.TypeReg:
		l.gone = append(l.gone, name) // a link took its place: what it leads to is a file of its own
		return nil
	case h.Size > maxKept || m.kept+h.Size > maxKeptAll:
		return errBomb
	}
	text, err := io.ReadAll(t)
	if err != nil {
		return known(err)
	}
	m.kept += int64(len(text))
	l.files[name] = text
	return nil
}

// other takes an entry that is wanted only for being a program. Whatever else stands where one stood hides it.
func (l *layer) other(t *tar.Reader, h *tar.Header, name string, want Want, m *meter) error {
	switch {
	case want.Program == nil, h.Typeflag == tar.TypeDir:
		return nil
	case h.Typeflag == tar.TypeReg && h.Mode&0o111 == 0:
		return nil
	}
	l.gone = append(l.gone, name)
	if h.Typeflag != tar.TypeReg || h.Size > maxKept {
		return nil
	}
	var magic [4]byte
	if n, err := io.ReadFull(t, magic[:]); err != nil || n < len(magic) || string(magic[:]) != "\x7fELF" {
		return nil // an entry that breaks off here shows with the next one
	}
	rest, err := io.ReadAll(t)
	if err != nil {
		return known(err)
	}
	kept := want.Program(append(magic[:], rest...))
	if m.kept += int64(len(kept)); m.kept > maxKeptAll {
		return errBomb
	}
	if kept != nil {
		l.files[name] = kept
	}
	return nil
}

// known keeps the errors that say something, and makes one of all others: they quote what was read.
func known(err error) error {
	for _, e := range []error{errBomb, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return e
		}
	}
	return errLayer
}

// apply lays layers over each other, the lowest first.
func apply(layers []*layer) map[string][]byte {
	files := map[string][]byte{}
	for _, l := range layers {
		gone, empty := set(l.gone), set(l.empty)
		for name := range files {
			if hidden(name, gone, empty) {
				delete(files, name)
			}
		}
		maps.Copy(files, l.files)
	}
	return files
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// hidden reports whether a layer takes away a file of those below it: what it names and all below, and all below
// what it empties.
func hidden(name string, gone, empty map[string]bool) bool {
	if gone[name] || empty[""] {
		return true
	}
	for i, c := range name {
		if c == '/' && (gone[name[:i]] || empty[name[:i]]) {
			return true
		}
	}
	return false
}
