package audit

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/tutela-health/tutela"
)

func leafHash(b []byte) tlog.Hash { return tlog.RecordHash(b) }

func aBox(t *rapid.T) box {
	b := box{
		keyVersion: rapid.IntRange(0, 1<<31-1).Draw(t, "version"),
		sealed:     rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "sealed"),
	}
	copy(b.commitment[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "commitment"))
	return b
}

func TestLeafSurvivesItsEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := leaf{day: rapid.Uint32().Draw(t, "day"), header: aBox(t)}
		for range rapid.IntRange(0, 4).Draw(t, "sections") {
			want.sections = append(want.sections, section{tutela.Bucket(rapid.Int64().Draw(t, "bucket")), aBox(t)})
		}
		got, err := parseLeaf(want.append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(leaf{}, box{}, section{})); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzParseLeaf(f *testing.F) {
	l := leaf{day: 20779, header: box{1, [32]byte{1}, []byte("header")}}
	f.Add(l.append(nil))
	l.sections = []section{{101, box{2, [32]byte{2}, []byte("one")}}, {0, box{1, [32]byte{3}, nil}}}
	f.Add(l.append(nil))
	f.Add([]byte{})
	f.Add([]byte{leafVersion, 0, 0, 0, 0, 0x80, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseLeaf(b)
		if err == nil && !bytes.Equal(l.append(nil), b) {
			t.Fatal("a leaf has two encodings")
		}
	})
}

func FuzzSplitHeader(f *testing.F) {
	h, err := encodeHeader(nil, &tutela.Entry{ID: "1", Writes: []tutela.Write{{Locator: 1, Version: 2, Bucket: 3, Deleted: true}}})
	must(f, err)
	f.Add(h)
	f.Add([]byte{0, 0})
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = decodeHeader(b)
	})
}

func FuzzUnbundle(f *testing.F) {
	f.Add(bundle([][]byte{{1, 2, 3}, {}, {4}}))
	f.Add([]byte{0, 9, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := unbundle(b)
		if err == nil && !bytes.Equal(bundle(entries), b) {
			t.Fatal("a bundle has two encodings")
		}
	})
}

func FuzzParseTilePath(f *testing.F) {
	for _, s := range []string{"0/000", "entries/x001/234.p/7", "63/x001/x234/067", "data/000", "64/000", "-1/000", "entries/", "0/x000/001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseTilePath(s)
		if err == nil && (p.Level < 0 || p.Level > 63 || p.Index < 0 || p.Width < 1 || p.Width > 256) {
			t.Fatalf("%q parses as %+v", s, p)
		}
	})
}

func TestParseTilePath(t *testing.T) {
	for path, want := range map[string]TilePath{
		"0/000":               {Width: 256},
		"1/x001/x234/067.p/8": {Level: 1, Index: 1234067, Width: 8},
		"entries/x001/234":    {Entries: true, Index: 1234, Width: 256},
		"entries/000.p/255":   {Entries: true, Width: 255},
		"63/000":              {Level: 63, Width: 256},
	} {
		got, err := ParseTilePath(path)
		must(t, err)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", path, d)
		}
	}
	for _, path := range []string{"", "0", "0/", "00/000", "64/000", "data/000", "-1/000", "0/0", "0/000.p/0", "0/000.p/256", "0/x000/001", "0/000/../1"} {
		if p, err := ParseTilePath(path); err == nil {
			t.Errorf("%q parses as %+v", path, p)
		}
	}
}

// The frontier agrees with x/mod's own tree at every size.
func TestFrontierAgreesWithTlog(t *testing.T) {
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var list []tlog.Hash
		for _, i := range indexes {
			list = append(list, hashes[i])
		}
		return list, nil
	})
	f := &frontier{}
	for n := range int64(1000) {
		want, err := tlog.TreeHash(n, reader)
		must(t, err)
		if got := f.root(); got != want {
			t.Fatalf("root of %d leaves differs", n)
		}
		data := []byte{byte(n), byte(n >> 8)}
		stored, err := tlog.StoredHashes(n, data, reader)
		must(t, err)
		hashes = append(hashes, stored...)
		f.push(leafHash(data), func(tileID, []tlog.Hash) {})
	}
}

func TestLanesSurviveTheirEncoding(t *testing.T) {
	want := map[laneID]head{{"node-1", 0}: {17, [32]byte{1}}, {"node-1", 3}: {2, [32]byte{2}}, {"node-2", 0}: {9, [32]byte{3}}}
	got, err := parseLanes(appendLanes(nil, want))
	must(t, err)
	if d := cmp.Diff(want, got, cmp.AllowUnexported(laneID{}, head{})); d != "" {
		t.Error(d)
	}
	for _, bad := range [][]byte{{}, {1}, {0, 0}} {
		if _, err := parseLanes(bad); err == nil {
			t.Errorf("%v parses", bad)
		}
	}
}

// append adds the leaf's bytes to dst.
func (l leaf) append(dst []byte) []byte {
	dst = l.header.append(beginLeaf(dst, l.day))
	dst = binary.AppendUvarint(dst, uint64(len(l.sections)))
	for _, s := range l.sections {
		dst = binary.BigEndian.AppendUint64(dst, uint64(s.patient))
		dst = s.box.append(dst)
	}
	return dst
}

func (b box) append(dst []byte) []byte {
	return append(beginBox(dst, b.keyVersion, b.commitment, len(b.sealed)), b.sealed...)
}
