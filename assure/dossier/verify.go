package dossier

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
)

// Report is what a verification found.
type Report struct {
	Manifest Manifest       `json:"-"`
	Origin   string         `json:"origin"`
	Size     int64          `json:"size"` // of the ledger, in entries
	Leaves   int            `json:"leaves"`
	Rows     map[string]int `json:"rows"` // of each population
	Files    int            `json:"files"`
	Sampled  int            `json:"sampled,omitempty"` // leaves that were drawn, and are there
	Problems []string       `json:"problems"`
}

// Good reports whether nothing is wrong.
func (r *Report) Good() bool { return len(r.Problems) == 0 }

// maxProblems bounds what is named; one is enough to refuse a dossier.
const maxProblems = 100

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Bounds of what is read at once, in bytes.
const (
	maxManifest = 64 << 20
	maxProof    = 256 << 20
	maxLine     = 1 << 20
	maxFiles    = 100_000
)

// Verify holds a dossier against the ledger's verifier keys, in note format. Problems are in the report; the error says that
// it could not be read at all.
func Verify(file io.ReaderAt, size int64, vkeys ...string) (*Report, error) {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return nil, fmt.Errorf("this is no zip file: %w", err)
	}
	v := &verification{Report: &Report{Rows: map[string]int{}, Problems: []string{}}, files: map[string]*zip.File{}}
	if err := v.index(z); err != nil {
		return nil, err
	}
	return v.Report, v.run(vkeys)
}

// verification is one under way.
type verification struct {
	*Report
	files map[string]*zip.File
	proof Proof
	head  checkpoint
	leaves
}

// index finds the files by their names, each once.
func (v *verification) index(z *zip.Reader) error {
	if len(z.File) > maxFiles {
		return fmt.Errorf("it has more than %d files", maxFiles)
	}
	for _, f := range z.File {
		if f.Name != path.Clean(f.Name) || strings.HasPrefix(f.Name, "/") || strings.HasPrefix(f.Name, "..") || strings.Contains(f.Name, "\\") {
			return fmt.Errorf("%q is no name of a file in a package", f.Name)
		}
		if v.files[f.Name] != nil {
			return fmt.Errorf("%s is there twice", f.Name)
		}
		v.files[f.Name] = f
	}
	return nil
}

// run goes from what the key signed to what follows from it.
func (v *verification) run(vkeys []string) error {
	manifest, err := v.read(ManifestFile, maxManifest)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(manifest, &v.Manifest); err != nil || v.Manifest.Version != Version {
		return fmt.Errorf("%s is not understood: it is of another version, or malformed", ManifestFile)
	}
	text, err := v.read(ProofFile, maxProof)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &v.proof); err != nil {
		return fmt.Errorf("%s is malformed", ProofFile)
	}
	if v.head, err = openCheckpoint(v.proof.Checkpoint, vkeys); err != nil {
		v.problem("%v", err)
		return nil // nothing follows from it
	}
	v.Origin, v.Size = v.head.origin, v.head.size
	v.seal(manifest)
	v.span()
	v.first(vkeys)
	if err := v.gather(); err != nil {
		return err
	}
	v.digests()
	v.tree()
	v.whole()
	return nil
}

// read gives a file of the dossier as it is.
func (v *verification) read(name string, limit int64) ([]byte, error) {
	f := v.files[name]
	if f == nil {
		return nil, fmt.Errorf("it has no %s: it is no auditor's package, or a part of one", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return text, nil
}

// seal holds the manifest against the entry that names its digest.
func (v *verification) seal(manifest []byte) {
	e, err := v.proof.Seal.open()
	if err != nil {
		v.problem("the sealing entry: %v", err)
		return
	}
	sum := sha256.Sum256(manifest)
	digest := hex.EncodeToString(sum[:])
	if e.Action != Sealing || e.Outcome != tutela.OutcomeSuccess || e.Subject == nil || e.Subject.Kind != "package" || e.Subject.ID != digest {
		v.problem("the sealing entry does not name this manifest, whose SHA-256 is %s", digest)
	}
	if v.Manifest.Origin != v.head.origin || v.Manifest.Tenant != e.Tenant {
		v.problem("the manifest is of another ledger or tenant")
	}
}

// span refuses leaves that are not there.
func (v *verification) span() {
	m := &v.Manifest
	if m.First < 0 || m.End < m.First || m.End > v.Size || m.To.Before(m.From) {
		v.problem("the manifest's leaves %d to %d, or its period, cannot be", m.First, m.End)
		m.First, m.End = 0, 0
	}
	if !m.Complete && (m.Sample < 0 || m.Sample > 1<<20) {
		v.problem("the manifest's sample cannot be")
		m.Sample = 0
	}
}

// first holds the sample's seed against a checkpoint that was signed before anything was gathered.
func (v *verification) first(vkeys []string) {
	if v.Manifest.Complete {
		return
	}
	signed, err := v.read(FirstFile, maxLine)
	if err != nil {
		v.problem("%v", err)
		return
	}
	c, err := openCheckpoint(string(signed), vkeys)
	switch {
	case err != nil:
		v.problem("%s: %v", FirstFile, err)
	case c.origin != v.head.origin || c.size > v.head.size:
		v.problem("%s is of another ledger, or later than the last", FirstFile)
	case !strings.HasPrefix(v.Manifest.Seed, hex.EncodeToString(c.root[:])):
		v.problem("the sample was not drawn by %s", FirstFile)
	}
}

// digests holds every file against the manifest: none is altered, none is missing, none is added.
func (v *verification) digests() {
	listed := map[string]bool{ManifestFile: true, ProofFile: true}
	for _, want := range v.Manifest.Files {
		if listed[want.Name] {
			v.problem("%s is in the manifest twice, or does not belong there", want.Name)
			continue
		}
		listed[want.Name] = true
		f := v.files[want.Name]
		if f == nil {
			v.problem("%s is missing", want.Name)
			continue
		}
		got, n, err := digest(f, want.Bytes)
		if err != nil || got != want.SHA256 || n != want.Bytes {
			v.problem("%s was altered", want.Name)
		}
		v.Files++
	}
	for name := range v.files {
		if !listed[name] {
			v.problem("%s is not in the manifest: somebody added it", name)
		}
	}
}

// digest is that of a file, which is read no further than it may be long.
func digest(f *zip.File, limit int64) (string, int64, error) {
	r, err := f.Open()
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, limit+1))
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// leaves is what the dossier's lines hold.
type leaves struct {
	at     []int64
	hashes []nodeSum
}

// add keeps a leaf's place and hash.
func (l *leaves) add(at int64, sealed []byte) {
	l.at, l.hashes = append(l.at, at), append(l.hashes, leafHash(sealed))
}

// gather reads the lines, opens each, and makes the tables anew.
func (v *verification) gather() error {
	f := v.files[LeavesFile]
	if f == nil {
		v.problem("%s is missing", LeavesFile)
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("read %s: %w", LeavesFile, err)
	}
	defer r.Close()
	tables := newTables(v.Manifest.Complete)
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	last := int64(-1)
	for lines.Scan() {
		var l Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil || l.Leaf <= last {
			v.problem("%s: a line is malformed, or out of order, after leaf %d", LeavesFile, last)
			break
		}
		last = l.Leaf
		v.take(l, tables)
	}
	if err := lines.Err(); err != nil {
		v.problem("%s: %v", LeavesFile, err)
	}
	v.edge()
	v.compare(tables)
	return nil
}

// take holds one line against its leaf, and puts its entry into the tables.
func (v *verification) take(l Line, tables []*remade) {
	v.Leaves++
	v.add(l.Leaf, l.Sealed)
	e, err := l.open()
	if err != nil {
		v.problem("leaf %d: %v", l.Leaf, err)
		return
	}
	m := v.Manifest
	switch {
	case !m.Holds(e):
	case l.Leaf >= m.First && l.Leaf < m.End:
		for _, t := range tables {
			t.Add(l.Leaf, e)
		}
	default:
		v.problem("leaf %d is of the period and outside of the manifest's leaves: the period's edge was left out", l.Leaf)
	}
}

// edge takes the entry behind the period's last leaf, which is not of the period, and the seal, which came after it.
func (v *verification) edge() {
	after, seal := v.proof.After, v.proof.Seal
	if after.Leaf != v.Manifest.End || seal.Leaf < after.Leaf {
		v.problem("leaf %d, which shows where the period ends, was left out", v.Manifest.End)
	}
	if e, err := after.open(); err != nil {
		v.problem("leaf %d: %v", after.Leaf, err)
	} else if v.Manifest.Holds(e) && e.Time.Before(v.Manifest.To.Add(-underWay)) {
		v.problem("leaf %d is of the period and outside of the manifest's leaves: the period's edge was left out", after.Leaf)
	}
	v.add(after.Leaf, after.Sealed)
	if seal.Leaf != after.Leaf {
		v.add(seal.Leaf, seal.Sealed)
	}
}

// underWay is how long before it is in the ledger's tree an entry's time can be: requests are dated by their beginning.
const underWay = 10 * time.Minute

// tree computes the ledger's root from all leaves and the hashes between them.
func (v *verification) tree() {
	i := 0
	got, err := root(v.Size, v.proof.Hashes, func() (int64, nodeSum, bool) {
		if i == len(v.at) {
			return 0, nodeSum{}, false
		}
		i++
		return v.at[i-1], v.hashes[i-1], true
	})
	if err != nil || got != v.head.root {
		v.problem("the entries are not those of the ledger whose head was signed: one was altered, left out or added, or the proof is of others")
	}
}

// whole sees that no leaf was left out: of the period, or of the sample.
func (v *verification) whole() {
	m := v.Manifest
	has := func(leaf int64) bool { _, found := slices.BinarySearch(v.at, leaf); return found }
	wanted := m.Sampled()
	if m.Complete {
		wanted = nil
		for leaf := m.First; leaf < m.End; leaf++ {
			if !has(leaf) {
				v.problem("leaf %d of the period was left out", leaf)
				return
			}
		}
	}
	for _, leaf := range wanted {
		if !has(leaf) {
			v.problem("leaf %d, which the sample draws, was left out", leaf)
			return
		}
		v.Sampled++
	}
	if m.First > 0 && !has(m.First-1) {
		v.problem("leaf %d, which shows where the period begins, was left out", m.First-1)
	}
}

// remade is a table that is made again, of which only the digest is kept.
type remade struct {
	*Table
	name catalog.Population
	sum  hash.Hash
}

func newTables(complete bool) []*remade {
	var list []*remade
	for _, p := range Named(complete) {
		sum := sha256.New()
		list = append(list, &remade{NewTable(sum, p), p, sum})
	}
	return list
}

// compare holds the tables that were made again against those that are there.
func (v *verification) compare(tables []*remade) {
	listed := map[string]string{}
	for _, f := range v.Manifest.Files {
		listed[f.Name] = f.SHA256
	}
	for _, t := range tables {
		name := Populations + string(t.name) + ".csv"
		if err := t.Flush(); err != nil {
			v.problem("%s: %v", name, err)
		}
		v.Rows[string(t.name)] = t.Rows
		if listed[name] != hex.EncodeToString(t.sum.Sum(nil)) {
			v.problem("%s is not what the entries say: a row was left out, altered or added", name)
		}
	}
}

// Summary is a report for people.
func (r *Report) Summary() string {
	var b bytes.Buffer
	m := r.Manifest
	fmt.Fprintf(&b, "ledger      %s, %d entries\nperiod      %s to %s\nmade        %s by %s\n", r.Origin, r.Size, day(m.From), day(m.To), day(m.Made), m.By.Name)
	fmt.Fprintf(&b, "files       %d\nentries     %d opened", r.Files, r.Leaves)
	if m.Complete {
		fmt.Fprintf(&b, ": every one of the period\n")
	} else {
		fmt.Fprintf(&b, "; of the period's %d a sample of %d, drawn by %s\n", m.End-m.First, r.Sampled, m.Seed)
	}
	for _, p := range Named(m.Complete) {
		fmt.Fprintf(&b, "%-11s %d rows\n", p, r.Rows[string(p)])
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "PROBLEM     %s\n", p)
	}
	return b.String()
}

func day(t time.Time) string { return t.UTC().Format(time.RFC3339) }
