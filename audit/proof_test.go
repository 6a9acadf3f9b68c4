package audit

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

func proven(t testing.TB, l *Log, leaf int64, d Disclose) (Proof, Proven) {
	t.Helper()
	p, err := l.Prove(t.Context(), leaf, d)
	must(t, err)
	got, err := VerifyProof(p.Text, l.signer.vkey)
	must(t, err)
	return p, got
}

func TestProofVerifiesAlone(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		appendN(t, l, 7)
		appendBulk(t, l, 500)
		sequence(t, l)
		for _, leaf := range []int64{0, 3, 255, 256, 506} {
			_, got := proven(t, l, leaf, Disclose{})
			if got.Leaf != leaf || got.Checkpoint.Size != 507 || got.Checkpoint.Origin != testOrigin {
				t.Errorf("leaf %d: proven %+v", leaf, got)
			}
		}
		for _, leaf := range []int64{-1, 507, 1 << 60} {
			if _, err := l.Prove(t.Context(), leaf, Disclose{}); !errs.Is(err, errs.NotFound) {
				t.Errorf("leaf %d: %v", leaf, err)
			}
		}
	})
}

func TestProofDisclosesWhatWasAskedAndNoMore(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	_, err := l.Append(t.Context(), reading("u", 1), append(about(101, "mine"), about(102, "theirs")...))
	must(t, err)
	sequence(t, l)
	p, got := proven(t, l, 0, Disclose{Patients: []tutela.Bucket{101}})
	if len(p.Parts) != 1 || string(p.Parts[0].Plaintext) != `{"query":"mine"}` {
		t.Fatalf("parts %+v", p.Parts)
	}
	d := p.Parts[0]
	if !d.Holds(got.Entry) {
		t.Error("disclosure does not hold")
	}
	for name, false1 := range map[string]Disclosure{
		"another text":    {d.Section, d.Salt, []byte(`{"query":"other"}`)},
		"another section": {1, d.Salt, d.Plaintext},
		"no such section": {2, d.Salt, d.Plaintext},
		"the header":      {Header, d.Salt, d.Plaintext},
		"below":           {-2, d.Salt, d.Plaintext},
		"short salt":      {d.Section, d.Salt[:15], append([]byte{d.Salt[15]}, d.Plaintext...)},
	} {
		if false1.Holds(got.Entry) {
			t.Errorf("%s holds", name)
		}
	}
	withHeader, _ := proven(t, l, 0, Disclose{Header: true})
	e, err := decodeHeader(withHeader.Parts[0].Plaintext)
	must(t, err)
	if e.Actor.ID != "u" || !withHeader.Parts[0].Holds(got.Entry) {
		t.Error("header not disclosed")
	}
}

func TestProofOutlivesErasure(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 3)
	sequence(t, l)
	before, _ := proven(t, l, 1, Disclose{Patients: []tutela.Bucket{101}})
	w.exec("DELETE FROM wrapped_keys WHERE id = 101")
	w.ring.Forget(tutela.KeyPatient, 101)
	after, got := proven(t, l, 1, Disclose{Patients: []tutela.Bucket{101}})
	if d := cmp.Diff([]int{0}, after.Missing); d != "" || len(after.Parts) != 0 {
		t.Errorf("missing %v, parts %v", after.Missing, after.Parts)
	}
	if !before.Parts[0].Holds(got.Entry) {
		t.Error("a disclosure from before the erasure no longer holds")
	}
}

// Whatever byte of a proof changes, it does not prove something else.
func TestEditedProofDoesNotVerify(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 11)
	sequence(t, l)
	p, want := proven(t, l, 6, Disclose{})
	for i := range p.Text {
		text := bytes.Clone(p.Text)
		text[i] ^= 1
		got, err := VerifyProof(text, l.signer.vkey)
		if err == nil && !cmp.Equal(got, want) {
			t.Fatalf("byte %d changed: proves %+v", i, got)
		}
	}
	if _, err := VerifyProof(p.Text); err == nil {
		t.Error("verifies without a key")
	}
	if _, err := VerifyProof(p.Text, "nonsense"); !errs.Is(err, errs.Invalid) {
		t.Errorf("nonsense key: %v", err)
	}
	other := strings.Replace(string(p.Text), "index 6", "index 7", 1)
	if _, err := VerifyProof([]byte(other), l.signer.vkey); !errs.Is(err, errs.Invalid) {
		t.Errorf("another index: %v", err)
	}
}

func FuzzVerifyProof(f *testing.F) {
	s, err := newSigner("fuzz.test", bytes.Repeat([]byte{7}, 32))
	must(f, err)
	fr := &frontier{}
	entry := leaf{header: box{sealed: []byte("sealed")}}.append(nil)
	fr.push(leafHash(entry), nil)
	signed, err := s.checkpoint(1, fr.root())
	must(f, err)
	f.Add(formatProof(entry, 0, nil, signed))
	f.Add([]byte(proofHeader + "\nextra AA==\nindex 0\n\n"))
	f.Add([]byte(proofHeader + "\nindex 00\n\nx\n1\ny\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := VerifyProof(text, s.vkey)
		if err == nil && (p.Leaf != 0 || !bytes.Equal(p.Entry, entry)) {
			t.Fatalf("proves leaf %d", p.Leaf)
		}
	})
}
