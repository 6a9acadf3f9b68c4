package audit

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/internal/errs"
)

// proofHeader is the first line of a C2SP tlog-proof.
const proofHeader = "c2sp.org/tlog-proof@v1"

// Proven is what a valid proof shows: that the ledger of Checkpoint holds Entry as leaf Leaf.
type Proven struct {
	Checkpoint Checkpoint
	Leaf       int64
	Entry      []byte // its sealed bytes; a Disclosure shows what a part of them says
}

// Disclosure opens one part of a proven entry: its commitment shows that nothing else was sealed
// there. Whoever has it can show it to others, so hand out only what concerns the receiver.
type Disclosure struct {
	Section   int    // number of the section, or Header
	Salt      []byte // 16 bytes
	Plaintext []byte
}

// Header is the Section of a Disclosure of an entry's header: uvarint length, JSON, writes.
const Header = -1

// Holds tells whether a part of an entry is what d says it is.
func (d Disclosure) Holds(entry []byte) bool {
	f, err := parseLeaf(entry)
	if err != nil || len(d.Salt) != saltSize || d.Section < Header || d.Section >= len(f.sections) {
		return false
	}
	part := f.header
	if d.Section >= 0 {
		part = f.sections[d.Section].box
	}
	return checkCommitment(part.commitment, append(bytes.Clone(d.Salt), d.Plaintext...)) == nil
}

// formatProof writes a C2SP tlog-proof. The extra line carries the entry, so that the text proves
// by itself: the leaf's hash is computed from it.
func formatProof(entry []byte, leaf int64, path tlog.RecordProof, signed []byte) []byte {
	var b bytes.Buffer
	line := func(s string) {
		b.WriteString(s)
		b.WriteByte('\n')
	}
	line(proofHeader)
	line("extra " + base64.StdEncoding.EncodeToString(entry))
	line("index " + strconv.FormatInt(leaf, 10))
	for _, h := range path {
		line(base64.StdEncoding.EncodeToString(h[:]))
	}
	line("")
	b.Write(signed)
	return b.Bytes()
}

// VerifyProof checks a proof against verifier keys in note format. It needs neither a store nor
// keys. The error's kind is errs.Invalid.
func VerifyProof(text []byte, vkeys ...string) (Proven, error) {
	p, path, signed, err := parseProof(string(text))
	if err != nil {
		return Proven{}, err
	}
	if p.Checkpoint, err = OpenCheckpoint(signed, vkeys...); err != nil {
		return Proven{}, err
	}
	if p.Leaf >= p.Checkpoint.Size {
		return Proven{}, errs.New(errs.Invalid, "proof is of a leaf beyond its checkpoint")
	}
	err = tlog.CheckRecord(path, p.Checkpoint.Size, p.Checkpoint.Root, p.Leaf, tlog.RecordHash(p.Entry))
	if err != nil {
		return Proven{}, errs.Wrap(errs.Invalid, err, "entry is not in the tree")
	}
	return p, nil
}

// parseProof splits a proof into entry and index, inclusion path and signed checkpoint.
func parseProof(text string) (p Proven, path tlog.RecordProof, signed []byte, err error) {
	bad := errs.New(errs.Invalid, "malformed proof")
	first, rest, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(first, "\n")
	if !ok || len(lines) < 3 || lines[0] != proofHeader {
		return p, nil, nil, bad
	}
	extra, okExtra := strings.CutPrefix(lines[1], "extra ")
	index, okIndex := strings.CutPrefix(lines[2], "index ")
	p.Entry, err = base64.StdEncoding.DecodeString(extra)
	if err != nil || !okExtra || !okIndex {
		return p, nil, nil, bad
	}
	p.Leaf, err = strconv.ParseInt(index, 10, 64)
	if err != nil || p.Leaf < 0 || strconv.FormatInt(p.Leaf, 10) != index {
		return p, nil, nil, bad
	}
	for _, l := range lines[3:] {
		h, err := tlog.ParseHash(l)
		if err != nil {
			return p, nil, nil, bad
		}
		path = append(path, h)
	}
	return p, path, []byte(rest), nil
}
